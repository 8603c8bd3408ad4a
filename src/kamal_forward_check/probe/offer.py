"""A key offered at a login: the server's answer is kept, and an agent that does not sign ends nothing.

ssh and net-ssh first ask the server whether it would take a key, and then sign; paramiko signs at once. Where the
agent refuses to sign, the server is asked after all: only a key that it would take matters to Kamal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import paramiko
from paramiko.auth_handler import AuthHandler
from paramiko.common import cMSG_USERAUTH_REQUEST
from paramiko.message import Message

from kamal_forward_check.probe.causes import UnsignedError

if TYPE_CHECKING:

    class _Steps(AuthHandler):
        """paramiko's own steps, of which its stubs know nothing."""

        def _parse_service_accept(self, m: Message) -> None: ...
        def _parse_userauth_failure(self, m: Message) -> None: ...
        def _parse_userauth_banner(self, m: Message) -> None: ...
        def _parse_userauth_info_request(self, m: Message) -> None: ...
        def _get_key_type_and_bits(self, key: paramiko.PKey) -> tuple[str, bytes]: ...
        def _finalize_pubkey_algorithm(self, key_type: str) -> str: ...

else:
    _Steps = AuthHandler


class Offer(_Steps):
    """paramiko's login by one key. `methods` are those that the server would still take (RFC 4252 §5.1)."""

    methods: tuple[str, ...] = ()
    says: str = ""
    """The server's banner (RFC 4252 §5.4)."""

    def _parse_service_accept(self, m: Message) -> None:
        try:
            super()._parse_service_accept(m)
        except paramiko.AuthenticationException as error:  # no signature that the server takes can be made with it
            self._refuse(error)
        except (paramiko.SSHException, OSError):
            self._ask()

    def _ask(self) -> None:
        """Would the server take the key? No signature is sent (RFC 4252 §7)."""
        transport, key = cast("Any", self.transport), cast("paramiko.PKey", self.private_key)
        kind, blob = self._get_key_type_and_bits(key)
        message = Message()
        message.add_byte(cMSG_USERAUTH_REQUEST)
        for text in (self.username or "", "ssh-connection", "publickey"):
            message.add_string(text)
        message.add_boolean(False)  # noqa: FBT003 - paramiko's signature; "has a signature"
        message.add_string(self._finalize_pubkey_algorithm(kind))
        message.add_string(blob)
        transport._send_message(message)  # noqa: SLF001 - as paramiko's own handlers do

    def _parse_userauth_info_request(self, m: Message) -> None:
        """SSH_MSG_USERAUTH_PK_OK has the number of this message."""
        if self.auth_method == "publickey":
            self._refuse(UnsignedError("the agent does not sign with it"))
        else:
            super()._parse_userauth_info_request(m)

    def _parse_userauth_failure(self, m: Message) -> None:
        start = m.packet.tell()
        self.methods = tuple(filter(None, m.get_list()))
        m.packet.seek(start)
        super()._parse_userauth_failure(m)

    def _parse_userauth_banner(self, m: Message) -> None:
        start = m.packet.tell()
        self.says = m.get_string().decode("utf-8", "replace").strip()
        m.packet.seek(start)
        super()._parse_userauth_banner(m)

    def _refuse(self, error: Exception) -> None:
        self.transport.saved_exception = error
        if self.auth_event is not None:
            self.auth_event.set()
