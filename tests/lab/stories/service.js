// jose behind Node's own server with a key set that it fetches and keeps, as its page "createRemoteJWKSet"
// shows it. What was revoked is in a file, a `jti` a line.
'use strict';

const fs = require('node:fs');
const http = require('node:http');
const { createRemoteJWKSet, errors, jwtVerify } = require('jose');

const { LAB_PORT, LAB_ISSUER, LAB_AUDIENCE, LAB_DETAILS, LAB_JWKS, LAB_KEEPS, LAB_WAITS, LAB_REVOKED } =
  process.env;
const JWKS = createRemoteJWKSet(new URL(LAB_JWKS), {
  cacheMaxAge: Number(LAB_KEEPS),
  cooldownDuration: Number(LAB_WAITS),
  // A machine that is busy is no issuer that is down.
  timeoutDuration: 60_000,
});

function refuse(response, message) {
  let challenge = 'Bearer';
  if (message && LAB_DETAILS === 'on') {
    challenge += ` error="invalid_token", error_description="${message.replace(/"/g, "'")}"`;
  }
  response.writeHead(401, { 'WWW-Authenticate': challenge });
  response.end();
}

function isRevoked(jti) {
  return fs.existsSync(LAB_REVOKED) && fs.readFileSync(LAB_REVOKED, 'utf8').split('\n').includes(jti);
}

http
  .createServer(async (request, response) => {
    const [scheme, token] = (request.headers.authorization || '').split(/ (.*)/s);
    if (scheme.toLowerCase() !== 'bearer' || !token) return refuse(response);
    try {
      const { payload } = await jwtVerify(token, JWKS, { issuer: LAB_ISSUER, audience: LAB_AUDIENCE });
      if (isRevoked(payload.jti)) return refuse(response);
      response.writeHead(200, { 'Content-Type': 'text/plain' });
      return response.end('fine\n');
    } catch (error) {
      return refuse(response, error instanceof errors.JOSEError ? error.message : String(error));
    }
  })
  .listen(Number(LAB_PORT), '127.0.0.1');
