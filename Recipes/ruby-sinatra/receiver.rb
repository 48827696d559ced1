# Receives the webhooks of httpsms with Sinatra and Puma.
#
# An event becomes a file before it is acknowledged, and a thread handles it afterwards: what a crash leaves behind is
# handled after the next start. An empty file stays, so that an event that comes again is known.
require "fileutils"
require "json"
require "openssl"
require "securerandom"
require "sinatra"

# Two keys while the signing key is replaced. A blank one would let anybody sign.
KEYS = ENV.values_at("HTTPSMS_SIGNING_KEY", "HTTPSMS_NEXT_SIGNING_KEY").reject { |key| key.to_s.empty? }
CALLBACK_URL = ENV.fetch("HTTPSMS_CALLBACK_URL") # exactly as the webhook has it
PASSPHRASE = ENV["HTTPSMS_ENCRYPTION_KEY"]
INBOX = ENV.fetch("HTTPSMS_INBOX", "inbox")
MAX_BODY = 1 << 20 # bytes
WAITING = Queue.new # paths; what is in the files is not lost with it
abort "HTTPSMS_SIGNING_KEY is not set" if KEYS.empty?

def genuine?(env, body, key)
  mac = ->(content) { OpenSSL::HMAC.digest("SHA256", key, content) }
  decode = ->(part) { part.to_s.tr("-_", "+/").unpack1("m") }
  header, claims, signature = env["HTTP_AUTHORIZATION"].to_s.delete_prefix("Bearer ").split(".")
  return false unless OpenSSL.secure_compare(decode[signature], mac["#{header}.#{claims}"])

  header, claims = [header, claims].map { |part| JSON.parse(decode[part]) }
  return false unless header["alg"] == "HS256" && claims["iss"] == "api.httpsms.com"

  now, sent_at = Time.now.to_i, env["HTTP_WEBHOOK_TIMESTAMP"]
  return false unless Array(claims["aud"]).include?(CALLBACK_URL) && now.between?(claims["nbf"], claims["exp"] - 1)
  return false unless (now - Integer(sent_at, 10)).abs <= 300

  expected = "v1,#{[mac["#{env["HTTP_WEBHOOK_ID"]}.#{sent_at}.#{body}"]].pack("m0")}"
  env["HTTP_WEBHOOK_SIGNATURE"].split.any? { |one| OpenSSL.secure_compare(one, expected) }
rescue ArgumentError, JSON::ParserError, NoMethodError, TypeError
  false # a header or a claim is absent or malformed
end

# AES-256-CFB behind an IV of 16 bytes; the key is the SHA-256 of the passphrase.
def decrypt(text)
  iv, data = text.unpack1("m0").unpack("a16a*")
  cipher = OpenSSL::Cipher.new("aes-256-cfb").decrypt
  cipher.key = OpenSSL::Digest.digest("SHA256", PASSPHRASE)
  cipher.iv = iv
  (data.empty? ? data : cipher.update(data) + cipher.final).force_encoding("UTF-8").scrub
end

# Your code goes here.
def handle(event)
  data = event["data"] || {}
  note =
    case event["type"]
    when "message.phone.received" then "#{data["contact"]} wrote"
    when "message.phone.sent" then "handed to the network"
    when "message.phone.delivered" then "arrived"
    when "message.send.failed" then "not sent: #{data["error_message"]}"
    when "message.send.expired" then data["is_final"] ? "given up" : "will be tried again"
    when "message.call.missed" then "#{data["contact"]} called"
    when "phone.heartbeat.offline" then "#{data["owner"]} is away"
    when "phone.heartbeat.online" then "#{data["owner"]} is back"
    else return # newer than this receiver
    end
  # POST /v1/messages/send answered with this message_id; request_id is what you gave it.
  line = { id: event["id"], type: event["type"], message_id: data["id"] || data["message_id"], note: note }
  content = PASSPHRASE && data["encrypted"] ? decrypt(data["content"]) : data["content"]
  $stdout.puts(line.merge(request_id: data["request_id"], content: content).to_json)
end

# Does nothing when the id is known. If the disk fails, the answer is 500, and the event comes again.
def store(id, body)
  path, draft = File.join(INBOX, id), File.join(INBOX, ".#{SecureRandom.uuid}")
  File.open(draft, "wb") { |file| file.write(body) && file.fsync }
  File.link(draft, path) # complete from the moment it has its name
  WAITING << path
rescue Errno::EEXIST
  nil
ensure
  FileUtils.rm_f(draft)
end

def work
  while (path = WAITING.pop)
    begin
      handle(JSON.parse(File.read(path)))
      File.truncate(path, 0)
    rescue StandardError => e # the file stays as it is: the next start tries again
      warn "#{path}: #{e.message}"
    end
  end
end

set bind: "127.0.0.1", port: ENV.fetch("PORT", 9000), server: "puma", logging: false
post "/*" do
  body = request.body.read(MAX_BODY + 1).to_s
  halt 413 if body.bytesize > MAX_BODY
  halt 401 unless KEYS.any? { |key| genuine?(request.env, body, key) }
  begin
    id, type = JSON.parse(body).values_at("id", "type")
  rescue JSON::ParserError, NoMethodError, TypeError
    halt 400
  end
  halt 400 unless id.is_a?(String) && type.is_a?(String) && id.match?(/\A[\w-]{1,64}\z/)
  store(id, body)
  204
end

$stdout.sync = true
FileUtils.mkdir_p(INBOX)
Dir[File.join(INBOX, "*")].sort.each { |path| WAITING << path if File.size?(path) }
Thread.new { work }
