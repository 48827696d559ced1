#!/usr/bin/env perl
# Receives the webhooks of httpsms with Mojolicious; CryptX decrypts.
#
# An event becomes a file before it is acknowledged, and is handled afterwards: what a crash leaves behind is handled
# after the next start. An empty file stays, so that an event that comes again is known.
use Mojolicious::Lite -signatures;
use Crypt::Digest::SHA256 qw(sha256);
use Crypt::Mac::HMAC qw(hmac);
use Crypt::Mode::CFB;
use Mojo::File qw(path tempfile);
use Mojo::JSON qw(decode_json encode_json);
use Mojo::Util qw(b64_decode b64_encode decode encode secure_compare);

# Two keys while the signing key is replaced. A blank one would let anybody sign.
my @keys = grep { length } map { $ENV{$_} // '' } qw(HTTPSMS_SIGNING_KEY HTTPSMS_NEXT_SIGNING_KEY);
my $callback_url = $ENV{HTTPSMS_CALLBACK_URL};    # exactly as the webhook has it
die "HTTPSMS_SIGNING_KEY and HTTPSMS_CALLBACK_URL must be set\n" unless @keys && $callback_url;
my $passphrase = $ENV{HTTPSMS_ENCRYPTION_KEY} // '';
my $inbox      = path($ENV{HTTPSMS_INBOX} // 'inbox')->make_path;

sub is_genuine ($headers, $body, $key) {
    my $mac    = sub ($content) { hmac('SHA256', $key, $content) };
    my $decode = sub ($part) { b64_decode($part =~ tr{-_}{+/}r) };
    my ($header, $claims, $signature) = split /\./, ($headers->authorization // '') =~ s/^Bearer //r;
    return unless defined $signature && secure_compare($decode->($signature), $mac->("$header.$claims"));
    ($header, $claims) = map { decode_json($decode->($_)) } $header, $claims;
    return unless $header->{alg} eq 'HS256' && $claims->{iss} eq 'api.httpsms.com';
    return unless @{$claims->{aud}} == 1 && $claims->{aud}[0] eq decode('UTF-8', $callback_url);
    return unless ($claims->{nbf} // 'inf') <= time && time < ($claims->{exp} // 0);
    my ($id, $sent_at, $signatures) = map { $headers->header("webhook-$_") // '' } qw(id timestamp signature);
    return unless $sent_at =~ /^\d{1,12}$/a && abs(time - $sent_at) <= 300;
    my $expected = 'v1,' . b64_encode($mac->("$id.$sent_at.$body"), '');
    return grep { secure_compare($_, $expected) } split / /, $signatures;
}

# AES-256-CFB behind an IV of 16 bytes; the key is the SHA-256 of the passphrase.
sub decrypt ($text) {
    my ($iv, $data) = unpack 'a16 a*', b64_decode($text);
    return decode('UTF-8', Crypt::Mode::CFB->new('AES')->decrypt($data, sha256($passphrase), $iv));
}

my %notes = (
    'message.phone.received'  => sub ($data) {"$data->{contact} wrote"},
    'message.phone.sent'      => sub ($data) {'handed to the network'},
    'message.phone.delivered' => sub ($data) {'arrived'},
    'message.send.failed'     => sub ($data) {"not sent: $data->{error_message}"},
    'message.send.expired'    => sub ($data) { $data->{is_final} ? 'given up' : 'will be tried again' },
    'message.call.missed'     => sub ($data) {"$data->{contact} called"},
    'phone.heartbeat.offline' => sub ($data) {"$data->{owner} is away"},
    'phone.heartbeat.online'  => sub ($data) {"$data->{owner} is back"},
);

# Your code goes here; if it takes long, in a Mojo::IOLoop->subprocess.
sub handle ($event) {
    my $note = $notes{$event->{type}} or return;    # newer than this receiver
    my $data = $event->{data};
    my %line = (id => $event->{id}, type => $event->{type}, content => $data->{content}, note => $note->($data));
    $line{content} = decrypt($data->{content}) if $data->{encrypted} && length $passphrase;
    # POST /v1/messages/send answered with this message_id; request_id is what you gave it.
    $line{message_id} = $data->{id} // $data->{message_id};
    $line{request_id} = $data->{request_id};
    say encode_json(\%line);
}

sub work ($file) {
    return if eval { handle(decode_json($file->slurp)); truncate $file, 0 };
    warn "$file: ", $@ || $!, "\n";    # the file stays as it is: the next start tries again
}

# Does nothing when the id is known. If the disk fails, the answer is 500, and the event comes again.
sub store ($file, $body) {
    my $draft  = tempfile('.XXXXXXXXXX', DIR => $inbox);
    my $handle = $draft->open('>');
    $handle->syswrite($body) == length $body && $handle->sync or die "$draft: $!\n";
    if (link $draft, $file) {          # complete from the moment it has its name
        Mojo::IOLoop->next_tick(sub { work($file) });
    }
    elsif (!$!{EEXIST}) { die "$file: $!\n" }
}

my $max_body = 1 << 20;                       # bytes
app->max_request_size($max_body + 65_536);    # of which the head may take 64 KiB
any '/*any' => {any => ''} => sub ($c) {
    return $c->rendered(405) unless $c->req->method eq 'POST';
    my ($headers, $body) = ($c->req->headers, $c->req->body);
    return $c->rendered(413) if $c->req->is_limit_exceeded || length $body > $max_body;
    return $c->rendered(401) unless grep { eval { is_genuine($headers, $body, $_) } } @keys;
    my $event = eval { decode_json($body) };
    my $id    = ref $event eq 'HASH' ? $event->{id} // '' : '';
    return $c->rendered(400) unless $id =~ /^[\w-]{1,64}\z/a && length($event->{type} // '');
    store($inbox->child($id), $body);
    $c->rendered(204);
};

STDOUT->autoflush;
-s $_ and work($_) for @{$inbox->list->sort};
app->start('daemon', '--listen' => 'http://127.0.0.1:' . ($ENV{PORT} // 9000));
