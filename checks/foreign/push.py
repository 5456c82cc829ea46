"""A client in Python, from the protocol's text alone: subscribes at the push server by plain HTTP, has a message
stored, and decrypts the metadata of its notification (protocol: push, sections 1 and 3)."""

import base64
import hashlib
import json
import os
import ssl
import sys
import time
import urllib.request

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

SEED_URL, NETWORK_FILE = sys.argv[1:]
NETWORK = json.load(open(NETWORK_FILE))
ANY = ssl.create_default_context()
ANY.check_hostname, ANY.verify_mode = False, ssl.CERT_NONE
P = 2**255 - 19


def expect(what, condition):
    if not condition:
        sys.exit(f"python: not so: {what}")
    print(f"python: {what}")


def ask(url, body=None):
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data=data), context=ANY) as reply:
        return json.loads(reply.read())


secret = Ed25519PrivateKey.from_private_bytes(os.urandom(32))
ed25519 = secret.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
y = int.from_bytes(ed25519, "little") & (2**255 - 1)
x25519 = ((1 + y) * pow(1 - y, P - 2, P) % P).to_bytes(32, "little")
account = "05" + x25519.hex()
token = "device-of-a-python-client-0123456789"
push = NETWORK["servers"]["push"]["url"]


def signed(message):
    return base64.b64encode(secret.sign(message.encode())).decode()


now = int(time.time())
spaces = [0, 2, 3, 4, 5]
subscription = {
    "pubkey": account,
    "session_ed25519": ed25519.hex(),
    "namespaces": spaces,
    "data": True,
    "sig_ts": now,
    "signature": signed(f"MONITOR{account}{now}1{','.join(map(str, spaces))}"),
    "service": "dummy",
    "service_info": {"token": token},
    "enc_key": os.urandom(32).hex(),
}
reply = ask(f"{push}/subscribe", subscription)
expect(f"subscribed: {reply}", reply.get("added") is True)
reply = ask(f"{push}/subscribe", [subscription, {**subscription, "service": "firebase"}])
expect(f"again, and at a service that is not offered: {reply}", reply[0].get("updated") and reply[1]["error"] == 2)

# The swarm, from a node, and a message for the account.
nodes = ask(f"{SEED_URL}/json_rpc", {"method": "get_n_service_nodes", "params": {}})["result"]["service_node_states"]
first = nodes[0]
rpc = {"method": "get_swarm", "params": {"pubkey": account}}
swarm = ask(f"https://{first['public_ip']}:{first['storage_port']}/storage_rpc/v1", rpc)["snodes"]
member = swarm[0]
message = {"pubkey": account, "namespace": 0, "timestamp": now * 1000, "ttl": 86_400_000, "data": "aGVsbG8="}
rpc = {"method": "store", "params": message}
stored = ask(f"https://{member['ip']}:{member['port_https']}/storage_rpc/v1", rpc)
expect(f"a message was stored as {stored['hash']}", "hash" in stored)
queue = []
for _ in range(100):
    queue = ask(f"{NETWORK['seed_url']}/notifications/{token}")["notifications"]
    if queue:
        break
    time.sleep(0.1)
payload = base64.b64decode(queue[0]["enc_payload"])
expect(f"one notification of {len(payload)} bytes", len(queue) == 1 and (len(payload) - 24 - 16) % 256 == 0)

reply = ask(
    f"{push}/unsubscribe",
    {
        **{key: subscription[key] for key in ("pubkey", "session_ed25519", "service", "service_info")},
        "sig_ts": now,
        "signature": signed(f"UNSUBSCRIBE{account}{now}"),
    },
)
expect(f"unsubscribed: {reply}", reply.get("removed") is True)

# The id of a file is BLAKE2b over its content, with a salt.
url = NETWORK["servers"]["file"]["url"]
content = os.urandom(1000)
request = urllib.request.Request(f"{url}/file", data=content, headers={"Content-Type": "application/octet-stream"})
with urllib.request.urlopen(request) as reply:
    file_id = json.loads(reply.read())["id"]
digest = hashlib.blake2b(content, digest_size=33, salt=b"SessionFileSvr\0\0").digest()
expect(f"file {file_id} by plain HTTP", base64.urlsafe_b64encode(digest).decode() == file_id)
