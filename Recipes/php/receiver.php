<?php

// Receives the webhooks of httpsms with PHP alone: PHP-FPM behind a web server, or php -S 127.0.0.1:9000 receiver.php
//
// An event becomes a file before it is acknowledged, and is handled once the answer is out. What a crash leaves behind
// is handled by `php receiver.php`: let cron run it. An empty file stays, so that an event that comes again is known.
declare(strict_types=1);

const MAX_BODY = 1 << 20; // bytes
$inbox = getenv('HTTPSMS_INBOX') ?: __DIR__ . '/inbox';
// Two keys while the signing key is replaced. A blank one would let anybody sign.
$keys = array_filter([getenv('HTTPSMS_SIGNING_KEY'), getenv('HTTPSMS_NEXT_SIGNING_KEY')]);

function isGenuine(array $headers, string $body, string $key): bool
{
    $mac = fn (string $content): string => hash_hmac('sha256', $content, $key, true);
    $decode = fn (string $part): string => (string) base64_decode(strtr($part, '-_', '+/'));
    $token = explode('.', preg_replace('/^Bearer /', '', $headers['authorization'] ?? ''));
    if (count($token) !== 3 || !hash_equals($mac("$token[0].$token[1]"), $decode($token[2]))) {
        return false;
    }
    [$header, $claims] = [json_decode($decode($token[0]), true), json_decode($decode($token[1]), true)];
    if (($header['alg'] ?? null) !== 'HS256' || ($claims['iss'] ?? null) !== 'api.httpsms.com') {
        return false;
    }
    if (!in_array(getenv('HTTPSMS_CALLBACK_URL'), (array) ($claims['aud'] ?? []), true)) {
        return false;
    }
    $sentAt = $headers['webhook-timestamp'] ?? '';
    $isInTime = ($claims['nbf'] ?? INF) <= time() && time() < ($claims['exp'] ?? 0);
    if (!$isInTime || !ctype_digit($sentAt) || abs(time() - (int) $sentAt) > 300) {
        return false;
    }
    $expected = 'v1,' . base64_encode($mac(($headers['webhook-id'] ?? '') . ".$sentAt.$body"));
    $matching = fn (string $one): bool => hash_equals($expected, $one);
    return array_filter(explode(' ', $headers['webhook-signature'] ?? ''), $matching) !== [];
}

/** AES-256-CFB behind an IV of 16 bytes; the key is the SHA-256 of the passphrase. */
function decrypt(string $text, string $passphrase): string
{
    $data = base64_decode($text, true);
    $key = hash('sha256', $passphrase, true);
    $plain = openssl_decrypt(substr($data, 16), 'aes-256-cfb', $key, OPENSSL_RAW_DATA, substr($data, 0, 16));
    return $plain !== false ? $plain : throw new UnexpectedValueException('This is not encrypted text.');
}

/** Your code goes here. */
function handle(array $event): void
{
    $data = $event['data'] ?? [];
    $passphrase = getenv('HTTPSMS_ENCRYPTION_KEY');
    $isEncrypted = ($data['encrypted'] ?? false) && $passphrase;
    $line = [
        'id' => $event['id'],
        'type' => $event['type'],
        'message_id' => $data['id'] ?? $data['message_id'] ?? null, // POST /v1/messages/send answered with it
        'request_id' => $data['request_id'] ?? null, // what you gave it
        'content' => $isEncrypted ? decrypt($data['content'], $passphrase) : $data['content'] ?? null,
        'note' => match ($event['type']) {
            'message.phone.received' => "$data[contact] wrote",
            'message.phone.sent' => 'handed to the network',
            'message.phone.delivered' => 'arrived',
            'message.send.failed' => "not sent: $data[error_message]",
            'message.send.expired' => $data['is_final'] ? 'given up' : 'will be tried again',
            'message.call.missed' => "$data[contact] called",
            'phone.heartbeat.offline' => "$data[owner] is away",
            'phone.heartbeat.online' => "$data[owner] is back",
            default => null, // newer than this receiver
        },
    ];
    if ($line['note'] !== null) {
        file_put_contents('php://stdout', json_encode($line, JSON_INVALID_UTF8_SUBSTITUTE) . "\n");
    }
}

/** Handles one file, unless another process does. When that fails, it stays as it is and cron tries again. */
function work(string $path): void
{
    $file = fopen($path, 'r+');
    if (flock($file, LOCK_EX | LOCK_NB) && ($body = stream_get_contents($file)) !== '') {
        handle(json_decode($body, true));
        ftruncate($file, 0);
    }
}

/** Returns whether the event is new. */
function store(string $path, string $body): bool
{
    $draft = tempnam(dirname($path), '.');
    $file = fopen($draft, 'w');
    $isWritten = fwrite($file, $body) === strlen($body) && fsync($file);
    $isNew = $isWritten && @link($draft, $path); // complete from the moment it has its name
    unlink($draft);
    if (!$isNew && !file_exists($path)) {
        throw new RuntimeException("$path cannot be written."); // answers 500, and the event comes again
    }
    return $isNew;
}

/** The status of the answer, and the file to work on if there is one. */
function receive(string $inbox, array $keys): array
{
    if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
        return [405, null];
    }
    $body = file_get_contents('php://input', length: MAX_BODY + 1);
    if (strlen($body) > MAX_BODY) {
        return [413, null];
    }
    $headers = array_change_key_case(getallheaders());
    if (!array_filter($keys, fn (string $key): bool => isGenuine($headers, $body, $key))) {
        return [401, null];
    }
    ['id' => $id, 'type' => $type] = (array) json_decode($body, true) + ['id' => null, 'type' => null];
    if (!is_string($id) || !is_string($type) || !preg_match('/^[\w-]{1,64}$/D', $id)) {
        return [400, null];
    }
    return [204, store("$inbox/$id", $body) ? "$inbox/$id" : null];
}

ini_set('display_errors', '0'); // with it, PHP answers 200 even if the event could not be stored
is_dir($inbox) || mkdir($inbox, 0700);
if (PHP_SAPI === 'cli') {
    array_map(work(...), glob("$inbox/*"));
    exit;
}
[$status, $path] = receive($inbox, $keys);
http_response_code($status);
function_exists('fastcgi_finish_request') ? fastcgi_finish_request() : flush(); // the answer goes out
if ($path !== null) {
    work($path);
}
