#!/usr/bin/env bash
# Receives the webhooks of httpsms with bash, OpenSSL, jq and socat: ./receiver.sh
#
# An event becomes a file before it is acknowledged, and a loop handles it afterwards: what a crash leaves behind is
# handled after the next start. An empty file stays, so that an event that comes again is known.
set -euo pipefail
: "${HTTPSMS_SIGNING_KEY:?}" "${HTTPSMS_CALLBACK_URL:?exactly as the webhook has it}"
inbox=${HTTPSMS_INBOX:-inbox}
max_body=1048576 # bytes

# Makes HMAC-SHA256 of two hashes (RFC 2104): a key that is an argument of openssl is seen by every user of the machine.
use_key() { # KEY
    local key i
    key=$(printf %s "$1" | od -An -v -tx1 | tr -d ' \n')
    if ((${#key} > 128)); then key=$(printf %s "$1" | openssl dgst -sha256 -r | cut -c 1-64); fi
    inner='' outer=''
    for ((i = 0; i < 128; i += 2)); do
        printf -v inner '%s\\x%02x' "$inner" $((0x0${key:i:2} ^ 0x36))
        printf -v outer '%s\\x%02x' "$outer" $((0x0${key:i:2} ^ 0x5c))
    done
}

hmac() { # of standard input, in base64
    { printf "$inner" && cat; } | openssl dgst -sha256 -binary |
        { printf "$outer" && cat; } | openssl dgst -sha256 -binary | base64 -w 0
}

equal() { # A B, in constant time
    local i a b difference=$((${#1} ^ ${#2}))
    for ((i = 0; i < ${#2}; i++)); do
        printf -v a %d "'${1:i:1}"
        printf -v b %d "'${2:i:1}"
        ((difference |= a ^ b)) || true
    done
    ((difference == 0))
}

is_signed() { # KEY; the request is in the variables of receive
    local inner outer expected one
    [[ $1 ]] || return # anybody can sign with a blank key
    use_key "$1"
    expected=$(printf %s "${token%.*}" | hmac | tr '/+' '_-') || return
    equal "${token##*.}" "${expected%=}" || return
    expected=v1,$({ printf %s "$id.$sent_at." && cat "$draft"; } | hmac) || return
    for one in $signatures; do equal "$one" "$expected" && return; done
    return 1
}

decode() { # BASE64URL
    local text=$1
    while ((${#text} % 4)); do text+==; done
    tr '_-' '/+' <<<"$text" | base64 -d
}

# The id of the event, or nothing if the body is not an event; fails if the token is not for this receiver. A single call of jq:
# each takes longer than all of the hashes.
event_id() {
    local header claims
    IFS=. read -r header claims _ <<<"$token"
    { decode "$header" && decode "$claims" && cat "$draft"; } | jq -rn 'input as $header | input as $claims
        | [$header.alg == "HS256", ($claims | .iss == "api.httpsms.com", .aud == [env.HTTPSMS_CALLBACK_URL],
            (.nbf | numbers) <= now, (.exp | numbers) > now)]
        | if length < 5 or any(not) then error("refused") else . end
        | try ([inputs] | select(length == 1)[0] | select(.type | strings).id | strings) catch ""'
}

receive() { # answers the request on standard input
    local method line length='' token='' id='' sent_at='' signatures='' draft event_id
    IFS=' ' read -r method _
    while IFS= read -r line && line=${line%$'\r'} && [[ $line ]]; do
        case ${line,,} in
            content-length:*) length=${line#*: } ;;
            authorization:*) token=${line#*: Bearer } ;;
            webhook-id:*) id=${line#*: } ;;
            webhook-timestamp:*) sent_at=${line#*: } ;;
            webhook-signature:*) signatures=${line#*: } ;;
        esac
    done
    [[ $method == POST ]] || answer '405 Method Not Allowed'
    [[ $length =~ ^[0-9]{1,9}$ ]] && ((10#$length <= max_body)) || answer '413 Content Too Large'
    draft=$(mktemp "$inbox/.XXXXXX")
    trap 'rm -f "$draft"' EXIT
    head -c "$length" >"$draft"
    # The next key is for the time in which the signing key is replaced.
    is_signed "$HTTPSMS_SIGNING_KEY" || is_signed "${HTTPSMS_NEXT_SIGNING_KEY:-}" || answer '401 Unauthorized'
    [[ $sent_at =~ ^[0-9]{1,12}$ ]] || answer '401 Unauthorized'
    ((10#$sent_at - EPOCHSECONDS <= 300 && EPOCHSECONDS - 10#$sent_at <= 300)) || answer '401 Unauthorized'
    event_id=$(event_id) || answer '401 Unauthorized'
    [[ $event_id =~ ^[A-Za-z0-9_-]{1,64}$ ]] || answer '400 Bad Request'
    sync "$draft"
    if ln "$draft" "$inbox/$event_id" 2>/dev/null; then # complete from the moment it has its name
        printf '%s\n' "$event_id" >"$inbox/.waiting"
    fi
    [[ -e $inbox/$event_id ]] && answer '200 OK' # else there is no answer, and the event comes again
}

answer() { # STATUS
    printf 'HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n' "$1"
    exit
}

# AES-256-CFB behind an IV of 16 bytes; the key is the SHA-256 of the passphrase, which is what openssl makes of it.
decrypt() { # EVENT
    local iv
    jq -r .data.content "$1" | base64 -d >"$inbox/.content" || return
    iv=$(head -c 16 "$inbox/.content" | od -An -v -tx1 | tr -d ' \n')
    ((${#iv} == 32)) || return
    tail -c +17 "$inbox/.content" | openssl enc -d -aes-256-cfb -md sha256 -nosalt -pass env:HTTPSMS_ENCRYPTION_KEY \
        -iv "$iv" 2>/dev/null # it warns of the derivation, which is not ours to choose
}

handle() { # EVENT; your code goes here. A type that is newer than this receiver has no note
    local line
    line=$(jq -c '. as {$id, $type, $data} | {
            "message.phone.received": "\($data.contact) wrote",
            "message.phone.sent": "handed to the network",
            "message.phone.delivered": "arrived",
            "message.send.failed": "not sent: \($data.error_message)",
            "message.send.expired": (if $data.is_final then "given up" else "will be tried again" end),
            "message.call.missed": "\($data.contact) called",
            "phone.heartbeat.offline": "\($data.owner) is away",
            "phone.heartbeat.online": "\($data.owner) is back"
        }[$type] as $note | select($note) | {
            encrypted: ($data.encrypted // false), $id, $type, content: $data.content, $note,
            message_id: ($data.id // $data.message_id), # POST /v1/messages/send answered with it
            request_id: $data.request_id                # what you gave it
        }' "$1") || return
    if [[ ${HTTPSMS_ENCRYPTION_KEY:-} && $line == '{"encrypted":true,'* ]]; then
        line=$({ printf %s "$line" && decrypt "$1" | jq -Rs .; } | jq -cs '.[0] + {content: .[1]}') || return
    fi
    if [[ $line ]]; then printf '%s\n' "$line"; fi
}

work() { # EVENT-ID
    if [[ -s $inbox/$1 ]] && ! { handle "$inbox/$1" && : >"$inbox/$1"; }; then
        echo "$inbox/$1 failed" >&2 # the file stays as it is: the next start tries again
    fi
}

if [[ ${1:-} == receive ]]; then
    receive
    exit
fi
mkdir -p "$inbox"
rm -f "$inbox"/.*[!.]
mkfifo "$inbox/.waiting"
exec 3<>"$inbox/.waiting"
for file in "$inbox"/*; do work "${file##*/}"; done
socat "TCP-LISTEN:${PORT:-9000},bind=127.0.0.1,reuseaddr,fork,max-children=100,backlog=128" \
    EXEC:"timeout 30 $0 receive" &
trap 'kill $!' EXIT
while read -r id <&3; do work "$id"; done
