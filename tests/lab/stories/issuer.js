// An issuer: the key set of each story is a file, and its refresh tokens are good once (RFC 9700 section
// 4.14.2).
'use strict';

const crypto = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const { importPKCS8, SignJWT } = require('jose');

const { LAB_PORT, LAB_FOLDER, LAB_KEY, LAB_KID, LAB_AUDIENCE } = process.env;
const KEY = importPKCS8(fs.readFileSync(LAB_KEY, 'utf8'), 'ES256');
const used = new Set();

function answer(response, status, body) {
  response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
  response.end(JSON.stringify(body));
}

async function token(story, form, response) {
  const presented = form.get('refresh_token');
  if (form.get('grant_type') !== 'refresh_token' || !presented) {
    return answer(response, 400, { error: 'invalid_request' });
  }
  if (used.has(presented)) {
    return answer(response, 400, { error: 'invalid_grant', error_description: 'The refresh token was used before' });
  }
  used.add(presented);
  const access = await new SignJWT({ scope: 'orders:read' })
    .setProtectedHeader({ alg: 'ES256', typ: 'JWT', kid: LAB_KID })
    .setIssuer(`https://${story}.lab.test`)
    .setAudience(LAB_AUDIENCE)
    .setSubject(`bob@${story}.lab.test`)
    .setJti(crypto.randomUUID())
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(await KEY);
  const refresh = crypto.randomBytes(24).toString('base64url');
  return answer(response, 200, { access_token: access, token_type: 'Bearer', expires_in: 3600, refresh_token: refresh });
}

http
  .createServer((request, response) => {
    const [, story, name] = request.url.split('/');
    if (name === 'jwks.json') {
      const file = `${LAB_FOLDER}/${story}.json`;
      if (!fs.existsSync(file)) return answer(response, 503, { error: 'temporarily_unavailable' });
      return answer(response, 200, JSON.parse(fs.readFileSync(file, 'utf8')));
    }
    let body = '';
    request.on('data', (data) => (body += data));
    request.on('end', () => token(story, new URLSearchParams(body), response));
  })
  .listen(Number(LAB_PORT), '127.0.0.1');
