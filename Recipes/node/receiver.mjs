// Receives the webhooks of httpsms with Node alone.
//
// An event becomes a file before it is acknowledged, and is handled afterwards: what a crash leaves behind is handled
// after the next start. An empty file stays, so that an event that comes again is known.
import { createDecipheriv, createHash, createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { link, mkdir, open, readFile, readdir, stat, truncate, unlink } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';

const env = process.env;
// Two keys while the signing key is replaced. A blank one would let anybody sign.
const keys = [env.HTTPSMS_SIGNING_KEY, env.HTTPSMS_NEXT_SIGNING_KEY].filter(Boolean);
const callbackURL = env.HTTPSMS_CALLBACK_URL; // exactly as the webhook has it
if (!keys.length || !callbackURL) throw new Error('HTTPSMS_SIGNING_KEY and HTTPSMS_CALLBACK_URL must be set');
const inbox = env.HTTPSMS_INBOX ?? 'inbox';
const maxBody = 1 << 20; // bytes

function isGenuine(headers, body, key) {
  const mac = (text, bytes = '') => createHmac('sha256', key).update(text).update(bytes).digest();
  const equal = (a, b) => a.length === b.length && timingSafeEqual(a, b);
  try {
    const [header, claims, signature] = headers.authorization.replace(/^Bearer /, '').split('.');
    if (!equal(Buffer.from(signature, 'base64url'), mac(`${header}.${claims}`))) return false;
    const decode = (part) => JSON.parse(Buffer.from(part, 'base64url').toString());
    const { iss, aud, nbf, exp } = decode(claims);
    if (decode(header).alg !== 'HS256' || iss !== 'api.httpsms.com') return false;
    if (![aud].flat().includes(callbackURL)) return false;
    const [now, sentAt] = [Date.now() / 1000, headers['webhook-timestamp']];
    if (!(nbf <= now && now < exp && Math.abs(now - Number(sentAt)) <= 300)) return false;
    const expected = mac(`${headers['webhook-id']}.${sentAt}.`, body);
    const codes = headers['webhook-signature'].split(' ').filter((one) => one.startsWith('v1,'));
    return codes.some((one) => equal(Buffer.from(one.slice(3), 'base64'), expected));
  } catch {
    return false; // a header or a claim is absent or malformed
  }
}

/** AES-256-CFB behind an IV of 16 bytes; the key is the SHA-256 of the passphrase. */
function decrypt(text) {
  const data = Buffer.from(text, 'base64');
  const key = createHash('sha256').update(env.HTTPSMS_ENCRYPTION_KEY).digest();
  const decipher = createDecipheriv('aes-256-cfb', key, data.subarray(0, 16));
  return Buffer.concat([decipher.update(data.subarray(16)), decipher.final()]).toString();
}

/** Your code goes here. */
function handle({ id, type, data }) {
  const content = data?.encrypted && env.HTTPSMS_ENCRYPTION_KEY ? decrypt(data.content) : data?.content;
  let note;
  switch (type) {
    case 'message.phone.received': note = `${data.contact} wrote`; break;
    case 'message.phone.sent': note = 'handed to the network'; break;
    case 'message.phone.delivered': note = 'arrived'; break;
    case 'message.send.failed': note = `not sent: ${data.error_message}`; break;
    case 'message.send.expired': note = data.is_final ? 'given up' : 'will be tried again'; break;
    case 'message.call.missed': note = `${data.contact} called`; break;
    case 'phone.heartbeat.offline': note = `${data.owner} is away`; break;
    case 'phone.heartbeat.online': note = `${data.owner} is back`; break;
    default: return; // newer than this receiver
  }
  // POST /v1/messages/send answered with this message_id; request_id is what you gave it.
  const { message_id = data.id, request_id } = data;
  console.log(JSON.stringify({ id, type, message_id, request_id, content, note }));
}

/** The id of the event, or undefined if the body is none. */
function eventID(body) {
  try {
    const { id, type } = JSON.parse(body);
    return typeof id === 'string' && /^[\w-]{1,64}$/.test(id) && typeof type === 'string' ? id : undefined;
  } catch {}
}

async function store(id, body) {
  const [draft, path] = [join(inbox, `.${randomUUID()}`), join(inbox, id)];
  const file = await open(draft, 'wx');
  try {
    await file.writeFile(body);
    await file.sync();
    await link(draft, path); // complete from the moment it has its name
  } catch (error) {
    if (error.code === 'EEXIST') return; // it came before
    throw error;
  } finally {
    await file.close();
    await unlink(draft);
  }
  work(path);
}

let last = Promise.resolve(); // one event at a time, in the order in which they came
function work(path) {
  last = last.then(async () => {
    handle(JSON.parse(await readFile(path)));
    await truncate(path);
  }).catch((error) => console.error(path, error)); // the file stays as it is: the next start tries again
}

async function receive(request) {
  if (request.method !== 'POST') return 405;
  const chunks = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length <= maxBody) chunks.push(chunk);
  }
  if (length > maxBody) return 413;
  const body = Buffer.concat(chunks);
  if (!keys.some((key) => isGenuine(request.headers, body, key))) return 401;
  const id = eventID(body);
  if (!id) return 400;
  await store(id, body);
  return 204;
}

await mkdir(inbox, { recursive: true });
for (const name of (await readdir(inbox)).sort()) {
  const path = join(inbox, name);
  if (!name.startsWith('.') && (await stat(path)).size) work(path);
}
createServer(async (request, response) => {
  const status = await receive(request).catch((error) => (console.error(error), 500)); // 500: it comes again
  response.writeHead(status).end();
}).listen(Number(env.PORT ?? 9000), '127.0.0.1');
