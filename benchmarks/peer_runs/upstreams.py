"""The model server behind every gateway: as fast as it can be, so that it is not what is measured.

nginx answers whole completions where it is installed; streams, and everything where it is not,
come from the server in `model_server.py`.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.peer_runs.machine import free_port, spawn, wait_for_port
from benchmarks.peer_runs.model_server import COMPLETION

HERE = Path(__file__).parent

NGINX = """
daemon off; master_process off; pid {work}/{name}.pid; error_log /dev/null crit;
events {{ worker_connections 4096; }}
http {{
  access_log off; default_type application/json; tcp_nodelay on;
  client_body_temp_path {work}/body; proxy_temp_path {work}/proxy;
  fastcgi_temp_path {work}/f; uwsgi_temp_path {work}/u; scgi_temp_path {work}/s;
  keepalive_requests 1000000000; keepalive_timeout 3600s; client_body_buffer_size 64k;
  {inner}
}}
"""
FIXED = "server {{ listen 127.0.0.1:{port}; location / {{ return 200 '{body}'; }} }}"
HOP = """
  map $http_authorization $known {{ default 0; "Bearer {key}" 1; }}
  upstream model {{ server 127.0.0.1:{upstream}; keepalive 64;
    keepalive_requests 1000000000; keepalive_timeout 3600s; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      if ($known = 0) {{ return 401; }}
      proxy_pass http://model; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_buffering {buffering};
    }}
  }}
"""
INSTALL = "nginx is not installed (Debian: apt-get install nginx)"


def nginx() -> str | None:
    return shutil.which("nginx") or shutil.which("/usr/sbin/nginx")


def nginx_command(work: Path, name: str, inner: str) -> list[str]:
    """Writes a configuration of one worker and says how to start it."""
    program = nginx()
    assert program is not None
    place = work / f"{name}.conf"
    place.write_text(NGINX.format(work=work, name=name, inner=inner))
    return [program, "-e", "/dev/null", "-p", str(work), "-c", str(place)]


def whole(work: Path, core: int) -> tuple[int, subprocess.Popen[bytes]]:
    """A server of whole completions."""
    if nginx() is None:
        return streaming(core)
    port = free_port()
    inner = FIXED.format(port=port, body=COMPLETION.decode().replace("$", ""))
    process = spawn(nginx_command(work, "upstream", inner), core)
    wait_for_port(process, port, 10)
    return port, process


def streaming(core: int) -> tuple[int, subprocess.Popen[bytes]]:
    """A server of completions and of streams, in Python."""
    port = free_port()
    process = spawn([sys.executable, HERE / "model_server.py", str(port)], core)
    wait_for_port(process, port, 10)
    return port, process
