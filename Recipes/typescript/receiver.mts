// Receives the webhooks of httpsms with TypeScript and Node alone.
//
// An event becomes a file before it is acknowledged, and is handled afterwards: what a crash leaves behind is handled
// after the next start. An empty file stays, so that an event that comes again is known.
import { createDecipheriv, createHash, createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { link, mkdir, open, readFile, readdir, stat, truncate, unlink } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { join } from 'node:path';

interface Phone { owner: string; timestamp: string }
interface Message extends Phone { contact: string; sim: 'SIM1' | 'SIM2' }
interface Text extends Message { content: string; encrypted: boolean }
interface Outgoing extends Text { request_id: string | null } // what you gave POST /v1/messages/send
type Known =
  | { type: 'message.phone.received'; data: Text & { message_id: string; attachments: string[] } }
  | { type: 'message.phone.sent' | 'message.phone.delivered'; data: Outgoing & { id: string } }
  | { type: 'message.send.failed'; data: Outgoing & { id: string; error_message: string } }
  | { type: 'message.send.expired'; data: Outgoing & { message_id: string; is_final: boolean } }
  | { type: 'message.call.missed'; data: Message & { message_id: string } }
  | { type: 'phone.heartbeat.offline' | 'phone.heartbeat.online'; data: Phone & { last_heartbeat_timestamp: string } };
type Event = Known & { id: string; time: string };

const env = process.env;
// Two keys while the signing key is replaced. A blank one would let anybody sign.
const keys = [env.HTTPSMS_SIGNING_KEY, env.HTTPSMS_NEXT_SIGNING_KEY].filter((key): key is string => !!key);
const callbackURL = env.HTTPSMS_CALLBACK_URL ?? ''; // exactly as the webhook has it
if (!keys.length || !callbackURL) throw new Error('HTTPSMS_SIGNING_KEY and HTTPSMS_CALLBACK_URL must be set');
const inbox = env.HTTPSMS_INBOX ?? 'inbox';
const maxBody = 1 << 20; // bytes

function isGenuine(headers: IncomingHttpHeaders, body: Buffer, key: string): boolean {
  const mac = (text: string, bytes = Buffer.of()) => createHmac('sha256', key).update(text).update(bytes).digest();
  const equal = (a: Buffer, b: Buffer) => a.length === b.length && timingSafeEqual(a, b);
  try {
    const [header, claims, signature] = headers.authorization!.replace(/^Bearer /, '').split('.');
    if (!equal(Buffer.from(signature, 'base64url'), mac(`${header}.${claims}`))) return false;
    const decode = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString());
    const { iss, aud, nbf, exp } = decode(claims);
    if (decode(header).alg !== 'HS256' || iss !== 'api.httpsms.com') return false;
    if (![aud].flat().includes(callbackURL)) return false;
    const [now, sentAt] = [Date.now() / 1000, headers['webhook-timestamp']];
    if (!(nbf <= now && now < exp && Math.abs(now - Number(sentAt)) <= 300)) return false;
    const expected = mac(`${headers['webhook-id']}.${sentAt}.`, body);
    const codes = (headers['webhook-signature'] as string).split(' ').filter((one) => one.startsWith('v1,'));
    return codes.some((one) => equal(Buffer.from(one.slice(3), 'base64'), expected));
  } catch {
    return false; // a header or a claim is absent or malformed
  }
}

/** AES-256-CFB behind an IV of 16 bytes; the key is the SHA-256 of the passphrase. */
function decrypt(text: string, passphrase: string): string {
  const data = Buffer.from(text, 'base64');
  const key = createHash('sha256').update(passphrase).digest();
  const decipher = createDecipheriv('aes-256-cfb', key, data.subarray(0, 16));
  return Buffer.concat([decipher.update(data.subarray(16)), decipher.final()]).toString();
}

/** Your code goes here; `data` has the type that belongs to `event.type`. */
function handle(event: Event): void {
  let note: string;
  switch (event.type) {
    case 'message.phone.received': note = `${event.data.contact} wrote`; break;
    case 'message.phone.sent': note = 'handed to the network'; break;
    case 'message.phone.delivered': note = 'arrived'; break;
    case 'message.send.failed': note = `not sent: ${event.data.error_message}`; break;
    case 'message.send.expired': note = event.data.is_final ? 'given up' : 'will be tried again'; break;
    case 'message.call.missed': note = `${event.data.contact} called`; break;
    case 'phone.heartbeat.offline': note = `${event.data.owner} is away`; break;
    case 'phone.heartbeat.online': note = `${event.data.owner} is back`; break;
    default: return; // newer than this receiver
  }
  const { id, type, data } = event;
  let content = 'content' in data ? data.content : undefined;
  if ('content' in data && data.encrypted && env.HTTPSMS_ENCRYPTION_KEY) {
    content = decrypt(data.content, env.HTTPSMS_ENCRYPTION_KEY);
  }
  // POST /v1/messages/send answered with this message_id.
  const message_id = 'message_id' in data ? data.message_id : 'id' in data ? data.id : undefined;
  const request_id = 'request_id' in data ? data.request_id : undefined;
  console.log(JSON.stringify({ id, type, message_id, request_id, content, note }));
}

/** The id of the event, or undefined if the body is none. */
function eventID(body: Buffer): string | undefined {
  try {
    const { id, type } = JSON.parse(body.toString());
    return typeof id === 'string' && /^[\w-]{1,64}$/.test(id) && typeof type === 'string' ? id : undefined;
  } catch {
    return undefined;
  }
}

async function store(id: string, body: Buffer): Promise<void> {
  const [draft, path] = [join(inbox, `.${randomUUID()}`), join(inbox, id)];
  const file = await open(draft, 'wx');
  try {
    await file.writeFile(body);
    await file.sync();
    await link(draft, path); // complete from the moment it has its name
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return; // it came before
    throw error;
  } finally {
    await file.close();
    await unlink(draft);
  }
  work(path);
}

let last: Promise<void> = Promise.resolve(); // one event at a time, in the order in which they came
function work(path: string): void {
  last = last.then(async () => {
    handle(JSON.parse(await readFile(path, 'utf8')));
    await truncate(path);
  }).catch((error) => console.error(path, error)); // the file stays as it is: the next start tries again
}

async function receive(request: IncomingMessage): Promise<number> {
  if (request.method !== 'POST') return 405;
  const chunks: Buffer[] = [];
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
