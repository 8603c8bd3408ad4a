"""What listens on the deployer's localhost: a stand-in for Kamal's registry, or what a Mac has on port 5000."""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Registry(BaseHTTPRequestHandler):
    """Answers everything with 200, as a registry does."""

    status = 200
    says = ("Docker-Distribution-Api-Version", "registry/2.0")

    def do_GET(self) -> None:
        self.send_response_only(self.status)
        self.send_header(*self.says)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")


class AirPlay(Registry):
    """Refuses everything, as macOS's AirPlay Receiver does."""

    status = 403
    says = ("Server", "AirTunes/700.1.1")


KINDS = {"registry": Registry, "airplay": AirPlay}

if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), KINDS[sys.argv[2]]).serve_forever()
