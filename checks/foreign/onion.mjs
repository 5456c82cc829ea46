// A client in Node.js, from the protocol's text alone: a file there and back, and the rooms of the community
// server, through three nodes with aes-gcm layers (protocol: onion, sections 2 to 5).
import crypto from "node:crypto";
import fs from "node:fs";
import https from "node:https";

const [seedUrl, networkFile] = process.argv.slice(2);
const { servers } = JSON.parse(fs.readFileSync(networkFile));

function publicKey(raw) {
  const jwk = { kty: "OKP", crv: "X25519", x: raw.toString("base64url") };
  return crypto.createPublicKey({ key: jwk, format: "jwk" });
}

// One layer: nonce, ciphertext, tag; and the key, which opens the reply.
function seal(plain, recipient) {
  const pair = crypto.generateKeyPairSync("x25519");
  const ephemeral = Buffer.from(pair.publicKey.export({ format: "jwk" }).x, "base64url");
  const shared = crypto.diffieHellman({
    privateKey: pair.privateKey,
    publicKey: publicKey(Buffer.from(recipient, "hex")),
  });
  const key = crypto.createHmac("sha256", "LOKI").update(shared).digest();
  const nonce = crypto.randomBytes(12);
  const cipher = crypto.createCipheriv("aes-256-gcm", key, nonce);
  const blob = Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  return { blob, key, ephemeral: ephemeral.toString("hex") };
}

function open(blob, key) {
  const cipher = crypto.createDecipheriv("aes-256-gcm", key, blob.subarray(0, 12));
  cipher.setAuthTag(blob.subarray(-16));
  return Buffer.concat([cipher.update(blob.subarray(12, -16)), cipher.final()]);
}

function frame(blob, json) {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(blob.length);
  return Buffer.concat([length, blob, Buffer.from(JSON.stringify(json))]);
}

function post(node, body) {
  return new Promise((resolve, reject) => {
    const options = {
      host: node.public_ip,
      port: node.storage_port,
      path: "/onion_req/v2",
      method: "POST",
      rejectUnauthorized: false,
    };
    const request = https.request(options, (response) => {
      const pieces = [];
      response.on("data", (piece) => pieces.push(piece));
      response.on("end", () => resolve([response.statusCode, Buffer.concat(pieces)]));
    });
    request.on("error", reject);
    request.end(body);
  });
}

const asked = await fetch(`${seedUrl}/json_rpc`, {
  method: "POST",
  body: JSON.stringify({
    method: "get_n_service_nodes",
    params: { fields: { public_ip: true, storage_port: true, pubkey_ed25519: true, pubkey_x25519: true } },
  }),
});
const nodes = (await asked.json()).result.service_node_states;

async function ask(server, method, endpoint, headers, body) {
  const metadata = Buffer.from(JSON.stringify({ method, endpoint, headers }));
  const parts = [Buffer.from(`l${metadata.length}:`), metadata];
  if (body) parts.push(Buffer.from(`${body.length}:`), body);
  parts.push(Buffer.from("e"));
  const innermost = seal(Buffer.concat(parts), server.pubkey_x25519);
  const url = new URL(server.url);
  let layer = innermost;
  let json = { host: url.hostname, port: Number(url.port), protocol: "http", target: "/oxen/v4/lsrpc", method: "POST" };
  const path = nodes.slice(0, 3);
  for (const node of path.toReversed()) {
    json = { ...json, ephemeral_key: layer.ephemeral, enc_type: "aes-gcm" };
    layer = seal(frame(layer.blob, json), node.pubkey_x25519);
    json = { destination: node.pubkey_ed25519 };
  }
  const packet = frame(layer.blob, { ephemeral_key: layer.ephemeral, enc_type: "aes-gcm" });
  const [status, sealed] = await post(path[0], packet);
  if (status !== 200) throw new Error(`${status} ${sealed}`);
  const plain = open(sealed, innermost.key);
  const colon = plain.indexOf(":");
  const end = colon + 1 + Number(plain.subarray(1, colon));
  const { code } = JSON.parse(plain.subarray(colon + 1, end));
  const next = plain.indexOf(":", end);
  const content = plain.subarray(next + 1, next + 1 + Number(plain.subarray(end, next)));
  return [code, content];
}

function expect(what, condition) {
  if (!condition) throw new Error(what);
  console.log(`node: ${what}`);
}

const file = crypto.randomBytes(1_000_000);
const type = { "Content-Type": "application/octet-stream" };
let [code, answer] = await ask(servers.file, "POST", "/file", type, file);
const { id } = JSON.parse(answer);
expect(`a file was uploaded as ${id}`, code === 200);
for (const key of [servers.file.pubkey_x25519, servers.file.older_pubkey_x25519]) {
  [code, answer] = await ask({ ...servers.file, pubkey_x25519: key }, "GET", `/file/${id}`, {});
  expect(`the file came back, sealed to ${key.slice(0, 8)}`, code === 200 && answer.equals(file));
}
[code, answer] = await ask(servers.community, "GET", "/capabilities", {});
expect(`the community server answered ${answer}`, code === 200);
[code, answer] = await ask(servers.community, "GET", "/rooms", {});
expect(`its rooms are ${JSON.parse(answer).map((room) => room.token)}`, JSON.parse(answer)[0].token === "lounge");
