// Runs verify.js the way n8n runs it, so that the conformance driver can test it. Everything around it is n8n's: the
// workflow itself is not run here.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

const AsyncFunction = (async () => {}).constructor;
const code = await readFile(new URL('verify.js', import.meta.url), 'utf8');
const verify = new AsyncFunction('$input', '$env', 'require', code);
const known = JSON.parse(await readFile(new URL('workflow.json', import.meta.url), 'utf8')).nodes
  .find(({ name }) => name === 'What happened?').parameters.rules.values.map(({ outputKey }) => outputKey);
const seen = new Set(); // stands for the node "Drop duplicates"

createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const self = { helpers: { getBinaryDataBuffer: async () => Buffer.concat(chunks) } };
  const $input = { first: () => ({ json: { headers: request.headers } }) };
  const [{ json }] = await verify.call(self, $input, process.env, createRequire(import.meta.url));
  const { status, data, ...event } = json;
  response.writeHead(status).end();
  if (status !== 204 || seen.has(event.id) || !known.includes(event.type)) return;
  seen.add(event.id);
  console.log(JSON.stringify(event));
}).listen(Number(process.env.PORT), '127.0.0.1');
