/// A language in which a receiver may be written, and the function in it that tells whether a request is genuine: the
/// token's signature, audience and time, and the signature over the body. Nothing but the language's own library is needed.
enum VerificationSnippet: String, CaseIterable {
    case python, node, php, ruby, go

    /// What the language is called.
    var name: String {
        switch self {
        case .python: "Python"
        case .node: "Node.js"
        case .php: "PHP"
        case .ruby: "Ruby"
        case .go: "Go"
        }
    }

    /// What it runs on.
    var needs: String {
        switch self {
        case .python: "Python 3.9 or newer."
        case .node: "Node.js 18 or newer, as an ES module."
        case .php: "PHP 8.0 or newer."
        case .ruby: "Ruby 3.0 or newer."
        case .go: "Go 1.19 or newer, in a package of yours."
        }
    }

    /// The code for a webhook with this callback URL and signing key; nil leaves a placeholder for the key.
    func code(url: String, key: String?) -> String {
        template
            .replacing("%URL%", with: literal(url), maxReplacements: 1)
            .replacing("%KEY%", with: literal(key ?? "YOUR_SIGNING_KEY"), maxReplacements: 1)
    }

    /// `text` between quotes, whatever it holds.
    private func literal(_ text: String) -> String {
        let quote: Unicode.Scalar = self == .go ? "\"" : "'"
        // PHP and Ruby read everything between single quotes as it is, but for these two.
        let isVerbatim = self == .php || self == .ruby
        var quoted = String(quote)
        for scalar in text.unicodeScalars {
            if scalar == quote || scalar == "\\" {
                quoted += "\\\(scalar)"
            } else if scalar.value < 0x20 && !isVerbatim {
                quoted += "\\x" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            } else {
                quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + String(quote)
    }

    private var template: String {
        switch self {
        case .python: Self.pythonTemplate
        case .node: Self.nodeTemplate
        case .php: Self.phpTemplate
        case .ruby: Self.rubyTemplate
        case .go: Self.goTemplate
        }
    }

    private static let pythonTemplate = #"""
        import base64, hmac, json, time

        CALLBACK_URL = %URL%
        SIGNING_KEY = %KEY%.encode()

        def decode(part):
            return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))

        def is_genuine(headers, body):
            try:
                head, claims, signature = headers["authorization"].removeprefix("Bearer ").split(".")
                if not hmac.compare_digest(decode(signature), hmac.digest(SIGNING_KEY, f"{head}.{claims}".encode(), "sha256")):
                    return False
                head, claims, now = json.loads(decode(head)), json.loads(decode(claims)), time.time()
                if head["alg"] != "HS256" or CALLBACK_URL not in claims["aud"] or now >= claims["exp"]:
                    return False
                if abs(now - int(headers["webhook-timestamp"])) > 300:
                    return False
                content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
                expected = "v1," + base64.b64encode(hmac.digest(SIGNING_KEY, content, "sha256")).decode()
                return any(hmac.compare_digest(one.encode(), expected.encode())
                           for one in headers["webhook-signature"].split(" "))
            except (AttributeError, KeyError, TypeError, ValueError):
                return False  # something is absent or malformed
        """#

    private static let nodeTemplate = #"""
        import { createHmac, timingSafeEqual } from "node:crypto";

        const CALLBACK_URL = %URL%;
        const SIGNING_KEY = %KEY%;

        const sign = (content) => createHmac("sha256", SIGNING_KEY).update(content).digest();
        const areEqual = (a, b) => a.length === b.length && timingSafeEqual(a, b);

        export function isGenuine(headers, body) {
          try {
            const [head, claims, signature] = headers["authorization"].replace("Bearer ", "").split(".");
            if (!areEqual(Buffer.from(signature, "base64url"), sign(`${head}.${claims}`))) return false;
            const [{ alg }, { aud, exp }] = [head, claims].map((part) => JSON.parse(Buffer.from(part, "base64url")));
            const now = Date.now() / 1000;
            if (alg !== "HS256" || ![aud].flat().includes(CALLBACK_URL) || now >= exp) return false;
            const sentAt = headers["webhook-timestamp"];
            if (!(Math.abs(now - Number(sentAt)) <= 300)) return false;
            const expected = sign(Buffer.concat([Buffer.from(`${headers["webhook-id"]}.${sentAt}.`), body]));
            return headers["webhook-signature"].split(" ").some((one) => areEqual(Buffer.from(one.slice(3), "base64"), expected));
          } catch {
            return false; // something is absent or malformed
          }
        }
        """#

    private static let phpTemplate = #"""
        <?php
        const CALLBACK_URL = %URL%;
        const SIGNING_KEY = %KEY%;

        function decode_part(string $part): string
        {
            return (string) base64_decode(strtr($part, '-_', '+/'));
        }

        function is_genuine(array $headers, string $body): bool
        {
            $parts = explode('.', str_replace('Bearer ', '', $headers['authorization'] ?? ''));
            if (count($parts) !== 3) {
                return false;
            }
            [$head, $claims, $signature] = $parts;
            if (!hash_equals(hash_hmac('sha256', "$head.$claims", SIGNING_KEY, true), decode_part($signature))) {
                return false;
            }
            $head = json_decode(decode_part($head), true);
            $claims = json_decode(decode_part($claims), true);
            $id = $headers['webhook-id'] ?? '';
            $sent_at = $headers['webhook-timestamp'] ?? '0';
            if (($head['alg'] ?? '') !== 'HS256' || !in_array(CALLBACK_URL, (array) ($claims['aud'] ?? []), true)
                || time() >= ($claims['exp'] ?? 0) || abs(time() - (int) $sent_at) > 300) {
                return false;
            }
            $expected = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$sent_at.$body", SIGNING_KEY, true));
            foreach (explode(' ', $headers['webhook-signature'] ?? '') as $one) {
                if (hash_equals($expected, $one)) {
                    return true;
                }
            }
            return false;
        }
        """#

    private static let rubyTemplate = #"""
        require "json"
        require "openssl"

        CALLBACK_URL = %URL%
        SIGNING_KEY = %KEY%

        def sign(content) = OpenSSL::HMAC.digest("SHA256", SIGNING_KEY, content)

        def decode(part) = part.to_s.tr("-_", "+/").unpack1("m")

        def genuine?(headers, body)
          head, claims, signature = headers["authorization"].to_s.delete_prefix("Bearer ").split(".")
          return false unless OpenSSL.secure_compare(decode(signature), sign("#{head}.#{claims}"))

          head, claims = [head, claims].map { |part| JSON.parse(decode(part)) }
          now, sent_at = Time.now.to_i, headers["webhook-timestamp"]
          return false unless head["alg"] == "HS256" && Array(claims["aud"]).include?(CALLBACK_URL) && now < claims["exp"]
          return false unless (now - Integer(sent_at, 10)).abs <= 300

          expected = "v1,#{[sign("#{headers["webhook-id"]}.#{sent_at}.".b + body.b)].pack("m0")}"
          headers["webhook-signature"].to_s.split.any? { |one| OpenSSL.secure_compare(one, expected) }
        rescue ArgumentError, JSON::ParserError, NoMethodError, TypeError
          false # something is absent or malformed
        end
        """#

    private static let goTemplate = #"""
        import (
        	"crypto/hmac"
        	"crypto/sha256"
        	"encoding/base64"
        	"encoding/json"
        	"strconv"
        	"strings"
        	"time"
        )

        const callbackURL = %URL%
        const signingKey = %KEY%

        func sign(content []byte) []byte {
        	mac := hmac.New(sha256.New, []byte(signingKey))
        	mac.Write(content)
        	return mac.Sum(nil)
        }

        // IsGenuine takes headers by their names in lower case.
        func IsGenuine(headers map[string]string, body []byte) bool {
        	parts := strings.Split(strings.TrimPrefix(headers["authorization"], "Bearer "), ".")
        	if len(parts) != 3 {
        		return false
        	}
        	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
        	if err != nil || !hmac.Equal(signature, sign([]byte(parts[0]+"."+parts[1]))) {
        		return false
        	}
        	var head struct{ Alg string }
        	var claims struct {
        		Aud []string
        		Exp float64
        	}
        	for index, target := range []any{&head, &claims} {
        		text, err := base64.RawURLEncoding.DecodeString(parts[index])
        		if err != nil || json.Unmarshal(text, target) != nil {
        			return false
        		}
        	}
        	sentAt, err := strconv.ParseInt(headers["webhook-timestamp"], 10, 64)
        	age := time.Since(time.Unix(sentAt, 0)).Abs()
        	if err != nil || age > 5*time.Minute || float64(time.Now().Unix()) >= claims.Exp {
        		return false
        	}
        	if head.Alg != "HS256" || len(claims.Aud) != 1 || claims.Aud[0] != callbackURL {
        		return false
        	}
        	content := headers["webhook-id"] + "." + headers["webhook-timestamp"] + "."
        	expected := "v1," + base64.StdEncoding.EncodeToString(sign(append([]byte(content), body...)))
        	for _, one := range strings.Split(headers["webhook-signature"], " ") {
        		if hmac.Equal([]byte(one), []byte(expected)) {
        			return true
        		}
        	}
        	return false
        }
        """#
}
