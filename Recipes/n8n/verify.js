// The code of the node "Verify" in workflow.json. It needs in the environment of n8n: HTTPSMS_SIGNING_KEY,
// HTTPSMS_CALLBACK_URL, NODE_FUNCTION_ALLOW_BUILTIN=crypto, N8N_BLOCK_ENV_ACCESS_IN_NODE=false; if texts are encrypted
// HTTPSMS_ENCRYPTION_KEY, and while the signing key is replaced HTTPSMS_NEXT_SIGNING_KEY.
const { createDecipheriv, createHash, createHmac, timingSafeEqual } = require('crypto');

const { headers } = $input.first().json;
const body = await this.helpers.getBinaryDataBuffer(0, 'data'); // the bytes as they came: "Raw Body" is on

function isGenuine(key) {
  const mac = (text, bytes = '') => createHmac('sha256', key).update(text).update(bytes).digest();
  const equal = (a, b) => a.length === b.length && timingSafeEqual(a, b);
  try {
    const [header, claims, signature] = headers.authorization.replace(/^Bearer /, '').split('.');
    if (!equal(Buffer.from(signature, 'base64url'), mac(`${header}.${claims}`))) return false;
    const decode = (part) => JSON.parse(Buffer.from(part, 'base64url').toString());
    const { iss, aud, nbf, exp } = decode(claims);
    if (decode(header).alg !== 'HS256' || iss !== 'api.httpsms.com') return false;
    if (![aud].flat().includes($env.HTTPSMS_CALLBACK_URL)) return false;
    const [now, sentAt] = [Date.now() / 1000, headers['webhook-timestamp']];
    if (!(nbf <= now && now < exp && Math.abs(now - Number(sentAt)) <= 300)) return false;
    const expected = mac(`${headers['webhook-id']}.${sentAt}.`, body);
    const codes = headers['webhook-signature'].split(' ').filter((one) => one.startsWith('v1,'));
    return codes.some((one) => equal(Buffer.from(one.slice(3), 'base64'), expected));
  } catch {
    return false; // a header or a claim is absent or malformed
  }
}

// AES-256-CFB behind an IV of 16 bytes; the key is the SHA-256 of the passphrase.
function decrypt(text) {
  if (!$env.HTTPSMS_ENCRYPTION_KEY) return text;
  const data = Buffer.from(text, 'base64');
  const key = createHash('sha256').update($env.HTTPSMS_ENCRYPTION_KEY).digest();
  if (data.length < 16) return text; // not encrypted this way
  const decipher = createDecipheriv('aes-256-cfb', key, data.subarray(0, 16));
  return Buffer.concat([decipher.update(data.subarray(16)), decipher.final()]).toString();
}

function result() {
  const keys = [$env.HTTPSMS_SIGNING_KEY, $env.HTTPSMS_NEXT_SIGNING_KEY].filter(Boolean);
  if (!keys.some(isGenuine)) return { status: 401 };
  try {
    const { id, type, data = {} } = JSON.parse(body.toString());
    if (typeof id !== 'string' || typeof type !== 'string') return { status: 400 };
    // POST /v1/messages/send answered with this message_id; request_id is what you gave it.
    const { message_id = data.id, request_id } = data;
    const content = data.encrypted ? decrypt(data.content) : data.content;
    return { status: 204, id, type, message_id, request_id, content, data };
  } catch {
    return { status: 400 };
  }
}

return [{ json: result() }];
