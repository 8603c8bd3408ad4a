"""A stand-in for the registry that Kamal runs on the deploying machine: it answers everything with 200."""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Registry(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), _Registry).serve_forever()
