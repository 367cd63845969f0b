// Serves a page on this machine that runs a kernel or a network, and opens it in headless Chromium.
//   node run_page.mjs FOLDER     FOLDER: m.wasm, x, wanted (floats), call.json: {kernel, pixels} or {network}
// Exit code 0 if the page reports the wanted bits, 1 if other bits, 2 if anything else; it prints the report.
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const LOADER = fileURLToPath(new URL('../../../runtime/js/', import.meta.url));
const TYPES = { '.js': 'text/javascript', '.wasm': 'application/wasm', '.json': 'application/json' };
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const LIMIT_MS = 60000;

// Chromium prints the page once it has loaded; the picture, answered after /done, keeps it loading until then.
const PAGE = `<!doctype html><meta charset="utf-8"><body><p></p><img src="/hold"><script type="module">
async function bytes(name) { return (await fetch(name)).arrayBuffer(); }
async function verdict() {
  const { load } = await import('/loader/index.js');
  const call = await (await fetch('/files/call.json')).json();
  const library = await load(new Uint8Array(await bytes('/files/m.wasm')));
  const wanted = new Uint32Array(await bytes('/files/wanted'));
  const output = new Float32Array(wanted.length);
  const x = new Float32Array(await bytes('/files/x'));
  if (call.network) library.network(call.network).run(x, { outputs: [output] });
  else library.kernel(call.kernel).run(x, { pixels: call.pixels, output });
  const differing = new Uint32Array(output.buffer).findIndex((bits, i) => bits !== wanted[i]);
  return differing < 0 ? 'equal bits in ' + wanted.length : 'element ' + differing + ' differs';
}
document.querySelector('p').textContent = 'verdict: ' + await verdict().catch(String);
await fetch('/done');
</script>`;

function path(url, folder) {
  const [, root, ...rest] = normalize(url).split('/');
  return join(root === 'loader' ? LOADER : folder, ...rest);
}

function serve(folder) {
  let finish;
  const finished = new Promise((resolve) => { finish = resolve; });
  const server = createServer(async (request, response) => {
    if (request.url === '/hold') return finished.then(() => response.writeHead(404).end());
    if (request.url === '/done') return finish(response.end());
    if (request.url === '/') return response.setHeader('Content-Type', 'text/html').end(PAGE);
    try {
      const body = await readFile(path(request.url, folder));
      response.setHeader('Content-Type', TYPES[extname(request.url)] ?? 'application/octet-stream').end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

function dump(url, profile) {
  const child = spawn('chromium', [...FLAGS, `--user-data-dir=${profile}`, '--dump-dom', url],
    { stdio: ['ignore', 'pipe', 'ignore'], timeout: LIMIT_MS });
  let text = '';
  child.stdout.on('data', (data) => { text += data; });
  return new Promise((resolve, reject) => child.on('error', reject).on('close', () => resolve(text)));
}

async function main(folder) {
  const server = await serve(folder);
  const profile = await mkdtemp(join(tmpdir(), 'espalier-chromium-'));
  try {
    const text = await dump(`http://127.0.0.1:${server.address().port}/`, profile);
    const verdict = /verdict: (equal|element|[A-Za-z]*Error)[^<]*/.exec(text)?.[0] ?? `no verdict: ${text}`;
    console.log(verdict);
    return verdict.startsWith('verdict: equal bits in ') ? 0 : verdict.startsWith('verdict: element ') ? 1 : 2;
  } finally {
    server.close();
    server.closeAllConnections?.();
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

process.exitCode = await main(process.argv[2]);
