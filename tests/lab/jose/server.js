// jose behind Node's own server, as its page "jwtVerify" shows it; with details its code and message are
// put into the challenge, as RFC 6750 has it.
'use strict';

const fs = require('node:fs');
const http = require('node:http');
const { createLocalJWKSet, errors, jwtVerify } = require('jose');

const { LAB_PORT, LAB_KEYS, LAB_ISSUER, LAB_AUDIENCE, LAB_DETAILS, LAB_LEEWAY } = process.env;
const JWKS = createLocalJWKSet(JSON.parse(fs.readFileSync(`${LAB_KEYS}/jwks.json`, 'utf8')));

function refuse(response, status, error, message) {
  let challenge = 'Bearer';
  if (error && LAB_DETAILS === 'on') {
    challenge += ` error="${error}", error_description="${message.replace(/"/g, "'")}"`;
  }
  response.writeHead(status, { 'WWW-Authenticate': challenge });
  response.end();
}

http
  .createServer(async (request, response) => {
    const [scheme, token] = (request.headers.authorization || '').split(/ (.*)/s);
    if (scheme.toLowerCase() !== 'bearer' || !token) return refuse(response, 401);
    try {
      const { payload } = await jwtVerify(token, JWKS, {
        issuer: LAB_ISSUER,
        audience: LAB_AUDIENCE,
        clockTolerance: Number(LAB_LEEWAY),
        requiredClaims: ['exp'],
      });
      const scopes = (payload.scope || '').split(' ');
      if (request.url.startsWith('/reports/') && !scopes.includes('reports:read')) {
        return refuse(response, 403, 'insufficient_scope', 'The token lacks reports:read');
      }
      response.writeHead(200, { 'Content-Type': 'text/plain' });
      return response.end('fine\n');
    } catch (error) {
      if (error instanceof errors.JOSEError) return refuse(response, 401, 'invalid_token', error.message);
      throw error;
    }
  })
  .listen(Number(LAB_PORT), '127.0.0.1');
