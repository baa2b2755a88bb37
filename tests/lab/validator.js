// A service that validates with jsonwebtoken. Arguments, paths and manners as those of validator.py.
'use strict';

const crypto = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const jwt = require('jsonwebtoken');

const [keysFile, issuer, audience] = process.argv.slice(2);
const { keys } = JSON.parse(fs.readFileSync(keysFile, 'utf8'));

class Refused extends Error {
  constructor(status, error, sentence) {
    super(sentence);
    this.status = status;
    this.error = error;
  }
}

function keyOf(header, found) {
  const key = keys.find((key) => key.kid === header.kid);
  if (!key) return found(new Error(`Unable to find a signing key that matches '${header.kid}'`));
  return found(null, crypto.createPublicKey({ key, format: 'jwk' }));
}

function check(path, field, done) {
  if (field === undefined) return done(new Refused(401, null, 'No authorization token was found'));
  const [scheme, token, ...more] = field.split(' ');
  if (scheme.toLowerCase() !== 'bearer') return done(new Refused(401, null, 'No authorization token was found'));
  if (!token || more.length > 0) {
    return done(new Refused(400, 'invalid_request', 'Format is Authorization: Bearer [token]'));
  }
  return jwt.verify(token, keyOf, { algorithms: ['ES256'], issuer, audience }, (error, claims) => {
    if (error) return done(new Refused(401, 'invalid_token', error.message));
    const scopes = (claims.scope || '').split(' ');
    if (path.includes('scoped') && !scopes.includes('reports:read')) {
      return done(new Refused(403, 'insufficient_scope', 'The token lacks reports:read'));
    }
    if (path.includes('denied')) return done(new Refused(403, null, 'Permission denied'));
    return done(null);
  });
}

function refuse(request, answer, refused) {
  const { status, error, message } = refused;
  if (request.url.startsWith('/silent')) {
    answer.writeHead(status === 403 ? 403 : 401, { 'Content-Length': 0 });
    return answer.end();
  }
  if (request.url.startsWith('/body')) {
    answer.writeHead(status, { 'Content-Type': 'application/json' });
    return answer.end(JSON.stringify({ error: error || 'unauthorized', message }));
  }
  const headers = {};
  if (error) {
    headers['WWW-Authenticate'] =
      `Bearer realm="lab", error="${error}", error_description="${message.replace(/["\\]/g, "'")}"`;
  } else if (status === 401) {
    headers['WWW-Authenticate'] = 'Bearer realm="lab"';
  }
  answer.writeHead(status, headers);
  return answer.end(message);
}

const server = http.createServer((request, answer) => {
  request.resume();
  check(request.url, request.headers.authorization, (refused) => {
    if (refused) return refuse(request, answer, refused);
    answer.writeHead(200, { 'Content-Type': 'text/plain' });
    return answer.end('fine\n');
  });
});

server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
