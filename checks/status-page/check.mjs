// Drives the status page by the DevTools protocol of a headless Chromium.
// Arguments: the browser, the folder of the binaries, and where to put screenshots, if anywhere.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [browser, binaries, shots] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "status-page-"));
const children = [];
const pause = ms => new Promise(done => setTimeout(done, ms));

// Starts a program and waits for a line of its output.
function start(program, args, output, pattern) {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
  children.push(child);
  return new Promise((found, failed) => {
    let text = "";
    child[output].on("data", data => {
      text += data;
      const match = text.match(pattern);
      if (match) found(match[1]);
    });
    child.on("exit", () => failed(new Error(`${program} ended: ${text}`)));
    child.on("error", failed);
  });
}

async function connect() {
  const flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--ignore-certificate-errors",
    "--remote-debugging-port=0", `--user-data-dir=${join(folder, "profile")}`, "about:blank"];
  const address = await start(browser, flags, "stderr", /DevTools listening on ws:\/\/([^/\s]+)/);
  const targets = await (await fetch(`http://${address}/json`)).json();
  const socket = new WebSocket(targets.find(target => target.type === "page").webSocketDebuggerUrl);
  await new Promise(open => { socket.onopen = open; });
  const waiting = new Map(), complaints = [];
  let last = 0;
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    if (message.id) waiting.get(message.id)(message);
    else if (/consoleAPICalled|exceptionThrown|entryAdded/.test(message.method)) complaints.push(data);
  };
  const send = (method, params = {}) => new Promise((done, failed) => {
    waiting.set(++last, ({ result, error }) => error ? failed(new Error(error.message)) : done(result));
    socket.send(JSON.stringify({ id: last, method, params }));
  });
  for (const domain of ["Page", "Runtime", "Log"]) await send(`${domain}.enable`);
  return { send, complaints };
}

async function check() {
  const data = join(folder, "net");
  const serve = ["--json", "serve", "--data-dir", data];
  const { seed_url: url, status_page: page } =
    JSON.parse(await start(join(binaries, "localnet"), serve, "stdout", /^(\{.*\})$/m));
  const { send, complaints } = await connect();
  const look = async expression => {
    const { result, exceptionDetails } = await send("Runtime.evaluate", { expression, returnByValue: true });
    assert.equal(exceptionDetails, undefined, expression);
    return result.value;
  };
  const until = async (expression, expected) => {
    let seen;
    for (let turn = 0; turn < 200; turn++) {
      seen = await look(expression);
      if (expected instanceof RegExp ? expected.test(seen) : seen === expected) return;
      await pause(50);
    }
    assert.fail(`${expression} is ${seen}, not ${expected}`);
  };
  const count = selector => `document.querySelectorAll(${JSON.stringify(selector)}).length`;
  const press = selector => look(`document.querySelector(${JSON.stringify(selector)}).click()`);
  const shown = "document.querySelector('#nodes tr.chosen td:last-child').textContent";
  let first = true;
  const open = async (width, scheme) => {
    const mobile = width < 500;
    await send("Emulation.setDeviceMetricsOverride", { width, height: 900, deviceScaleFactor: 1, mobile });
    await send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] });
    // The token is behind the #, and kept for the tab.
    await send("Page.navigate", { url: first ? page : `${url}/` });
    first = false;
    await until(count("#nodes tr"), 12);
  };

  // It fits, and is readable in both colour schemes.
  for (const [width, scheme] of [[390, "dark"], [390, "light"], [1280, "dark"], [1280, "light"]]) {
    await open(width, scheme);
    // A long page has a scroll bar, which takes some of the width.
    const fits = "document.documentElement.scrollWidth <= document.documentElement.clientWidth";
    assert.equal(await look(fits), true, "it is too wide");
    const scrolls = "[...document.querySelectorAll('.scroll')].some(box => box.scrollWidth > box.clientWidth)";
    assert.equal(await look(scrolls), false, "a table is too wide");
    assert.equal(await look("location.hash"), "", "the token stays in the address");
    if (shots) {
      const { data } = await send("Page.captureScreenshot", { format: "png" });
      writeFileSync(join(shots, `${width}-${scheme}.png`), Buffer.from(data, "base64"));
    }
  }
  await until(count("circle.node.up"), 12);
  await until(count("#swarms tr"), 3);
  assert.equal(await look("document.getElementById('faults').disabled"), true, "no node is chosen");

  // Onion requests are seen as they pass, and messages where they are stored.
  const client = (...args) => execFileSync(join(binaries, "client"), args, { encoding: "utf8", stdio: "pipe" });
  const phrase = join(folder, "phrase");
  const { id } = JSON.parse(client("new", "--json", "--phrase-file", phrase));
  client("send", id, "hello", "--phrase-file", phrase, "--seed-url", url, "--seed-cert", join(data, "seed.pem"));
  await until(`${count("path.hop")} > 3`, true);
  await until("[...document.querySelectorAll('#swarms td:nth-child(3)')].map(cell => cell.textContent).sort().join()", "0,0,1");
  await until("[...document.querySelectorAll('#picture text.soft')].filter(text => text.textContent === '1 message').length", 1);
  await until(count("path.hop"), 0);

  // Every button, on a node that is chosen on the ring.
  await look("document.querySelector('circle.node').dispatchEvent(new Event('click'))");
  await until(count("#nodes tr.chosen"), 1);
  await press("[data-do=down]");
  await until(shown, "down");
  await until(count("circle.node.down"), 1);
  await press("[data-do=up]");
  await until(shown, "up");
  await press("[data-do=slow]");
  await until(shown, "slow 2000 ms");
  await press("[data-do=lie]");
  await until(shown, "slow 2000 ms, lies: drop");
  await press("[data-do=clock]");
  await until(shown, "slow 2000 ms, lies: drop, clock +120000 ms");
  await until(count("circle.node.hurt"), 1);
  await look("slow.value = 0, lie.value = '', clock.value = 0");
  for (const fault of ["slow", "lie", "clock"]) await press(`[data-do=${fault}]`);
  await until(shown, "up");
  await look("swarm.selectedIndex = 2");
  const goal = await look("swarm.value.slice(0, 8)");
  await press("[data-do=move]");
  await until("document.querySelector('#nodes tr.chosen td:nth-child(3)').textContent", goal);
  await press("[data-do=leave]");
  await until(shown, "not in the list");
  await until(count("circle.node.hurt"), 1);
  await press("[data-do=join]");
  await until(shown, "up");
  // Swarms that are close to each other do not cover each other's nodes.
  const near = JSON.stringify({ action: "move", node: await look("chosen"), value: "1" });
  await look(`order(${near}), 0`);
  await until(count("#swarms tr"), 4);
  await until(`(() => {
    const dots = [...document.querySelectorAll('circle.node')].map(dot => [dot.cx.baseVal.value, dot.cy.baseVal.value, dot.r.baseVal.value]);
    return dots.some(([x, y, r], one) => dots.some(([u, v, s], other) => one < other && Math.hypot(x - u, y - v) < r + s));
  })()`, false);
  await press("#swarms button");
  await until(count("#swarms tr"), 3);
  await until("said.textContent", /is dissolved/);
  await until(count("circle.node.up"), 12);
  assert.deepEqual(complaints, [], "nothing is on the console");

  // It says so when the network is gone.
  children[0].kill();
  await until("summary.textContent", /does not answer/);
}

let failure;
await check().catch(error => { failure = error; });
for (const child of children) { child.removeAllListeners("exit"); child.kill("SIGKILL"); }
await pause(200);
rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
if (failure) console.error(failure);
else console.log("status page: ok");
process.exit(failure ? 1 : 0);
