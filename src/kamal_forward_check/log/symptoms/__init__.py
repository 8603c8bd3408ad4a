"""Every symptom that is known, by name: the one table. Its messages are word for word."""

from __future__ import annotations

from kamal_forward_check.log.symptom import Symptom
from kamal_forward_check.log.symptoms import docker, kamal, net_ssh, ssh, sshd

SYMPTOMS: dict[str, Symptom] = {
    symptom.name: symptom for family in (kamal, net_ssh, ssh, sshd, docker) for symptom in family.SYMPTOMS
}
