# Mojolicious::Lite with Crypt::JWT, as its synopsis shows it; with details what it dies with is sent.
use Mojolicious::Lite -signatures;
use Crypt::JWT qw(decode_jwt);
use Mojo::File qw(path);
use Mojo::JSON qw(decode_json);

my $keys    = decode_json(path("$ENV{LAB_KEYS}/jwks.json")->slurp);
my $details = $ENV{LAB_DETAILS} eq 'on';
app->log->level('fatal');

sub refuse ($c, $status, $words) {
    $words =~ s/ at \S+ line \d+\.?\n?\z//;
    $c->res->headers->www_authenticate('Bearer');
    $c->render(json => { error => $details ? $words : 'Unauthorized' }, status => $status);
    return;
}

under sub ($c) {
    my $field = $c->req->headers->authorization;
    return refuse($c, 401, 'no authorization header') unless defined $field;
    my ($token) = $field =~ /\ABearer (.+)\z/s or return refuse($c, 401, 'no bearer token');
    my $claims = eval {
        decode_jwt(
            token        => $token,
            kid_keys     => $keys,
            accepted_alg => [ 'RS256', 'ES256' ],
            verify_iss   => sub ($iss) { $iss eq $ENV{LAB_ISSUER} },
            verify_aud   => sub ($aud) { $aud eq $ENV{LAB_AUDIENCE} },
            verify_exp   => 1,
            verify_iat   => 1,
            leeway       => $ENV{LAB_LEEWAY},
        );
    } or return refuse($c, 401, $@);
    $c->stash(claims => $claims);
    return 1;
};

get '/orders/#name' => sub ($c) { $c->render(text => "fine\n") };
get '/reports/#name' => sub ($c) {
    my %has = map { $_ => 1 } split / /, $c->stash('claims')->{scope} // '';
    return $has{'reports:read'} ? $c->render(text => "fine\n") : refuse($c, 403, 'insufficient scope');
};

app->start('daemon', '-l', "http://127.0.0.1:$ENV{LAB_PORT}");
