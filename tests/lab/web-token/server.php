<?php
// JWT Framework below PHP's own server, as its documentation shows it; with details the exception's message is sent.
declare(strict_types=1);

require getenv('LAB_COMPOSER') . '/autoload.php';

use Jose\Component\Core\JWKSet;
use Jose\Easy\Load;

function answer(int $status, string $words): void
{
    http_response_code($status);
    header('Content-Type: application/json');
    if ($status === 401) {
        header('WWW-Authenticate: Bearer');
    }
    $shown = $status === 200 || getenv('LAB_DETAILS') === 'on' ? $words : 'Unauthorized';
    echo json_encode(['message' => $shown]);
}

$field = $_SERVER['HTTP_AUTHORIZATION'] ?? null;
if ($field === null) {
    answer(401, 'No token was given.');
    return;
}
if (!preg_match('/^Bearer (.+)$/', $field, $parts)) {
    answer(401, 'The Authorization header has no bearer token.');
    return;
}
$leeway = (int) getenv('LAB_LEEWAY');
try {
    $token = Load::jws($parts[1])
        ->algs(['RS256', 'ES256'])
        ->mandatory(['exp', 'aud'])
        ->exp($leeway)
        ->iat($leeway)
        ->nbf($leeway)
        ->aud(getenv('LAB_AUDIENCE'))
        ->iss(getenv('LAB_ISSUER'))
        ->keyset(JWKSet::createFromJson(file_get_contents(getenv('LAB_KEYS') . '/jwks.json')))
        ->run();
} catch (Throwable $error) {
    answer(401, $error->getMessage());
    return;
}
$scopes = explode(' ', $token->claims->has('scope') ? $token->claims->get('scope') : '');
if (str_starts_with($_SERVER['REQUEST_URI'], '/reports/') && !in_array('reports:read', $scopes, true)) {
    answer(403, 'The token lacks a scope.');
    return;
}
answer(200, 'fine');
