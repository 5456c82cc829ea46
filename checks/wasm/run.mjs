// Runs the module, and prints what each crate adds to its size.
//
//     node run.mjs check_wasm.wasm

import { readFileSync } from "node:fs";

const bytes = readFileSync(process.argv[2]);
const module = new WebAssembly.Module(bytes);
if (WebAssembly.Module.imports(module).length > 0) {
  throw new Error("the module needs something from outside");
}
const { exports } = new WebAssembly.Instance(module);
const step = exports.send_to_self();
if (step !== 0) {
  throw new Error(`the message was lost in step ${step}`);
}
console.log(`a message went through all crates in WebAssembly: ${bytes.length} bytes with names`);

// Lengths of functions from the code section, names of functions from the name section.
let at = 8;
const number = () => {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++];
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return value;
  }
};
const text = () => {
  const length = number();
  at += length;
  return bytes.toString("utf8", at - length, at);
};
const lengths = [];
const names = new Map();
while (at < bytes.length) {
  const kind = bytes[at++];
  const size = number();
  const end = at + size;
  if (kind === 10) {
    for (let left = number(); left > 0; left--) {
      const length = number();
      lengths.push(length);
      at += length;
    }
  } else if (kind === 0 && text() === "name") {
    while (at < end) {
      const part = bytes[at++];
      const partEnd = number() + at;
      if (part === 1) {
        for (let left = number(); left > 0; left--) names.set(number(), text());
      }
      at = partEnd;
    }
  }
  at = end;
}

// A function belongs to the first of our crates that its mangled name mentions, else to the first
// crate at all: `Cs<disambiguator>_<length><name>` in the names of today's compilers.
const sizes = new Map();
lengths.forEach((length, index) => {
  const name = names.get(index) ?? "?";
  const ours = /session_(community|config|crypto|identity|message|network|onion|proto|services|storage|swarm|types)/.exec(name)?.[0];
  const [, size, rest] = /Cs[0-9A-Za-z]*_(\d+)_?(\w+)/.exec(name) ?? [];
  const owner = ours ?? rest?.slice(0, Number(size)) ?? "?";
  sizes.set(owner, (sizes.get(owner) ?? 0) + length);
});
const sorted = [...sizes].sort((a, b) => b[1] - a[1]);
for (const [name, size] of sorted.slice(0, 24)) {
  console.log(`${String(size).padStart(8)}  ${name}`);
}
const code = lengths.reduce((sum, length) => sum + length, 0);
console.log(`${String(code).padStart(8)}  code in all`);
