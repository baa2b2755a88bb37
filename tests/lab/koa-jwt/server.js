// koa-jwt, as its README shows it; with details its option `debug` is on.
'use strict';

const fs = require('node:fs');
const Koa = require('koa');
const jwt = require('koa-jwt');

const { LAB_PORT, LAB_KEYS, LAB_ISSUER, LAB_AUDIENCE, LAB_DETAILS, LAB_LEEWAY, LAB_REVOKED } = process.env;
const app = new Koa();
app.silent = true;

app.use(
  jwt({
    secret: fs.readFileSync(`${LAB_KEYS}/rs256.pem`),
    algorithms: ['RS256'],
    audience: LAB_AUDIENCE,
    issuer: LAB_ISSUER,
    clockTolerance: Number(LAB_LEEWAY),
    isRevoked: async (ctx, decoded) => decoded.jti === LAB_REVOKED,
    debug: LAB_DETAILS === 'on',
  }),
);
app.use((ctx) => {
  const scopes = (ctx.state.user.scope || '').split(' ');
  if (ctx.path.startsWith('/reports/') && !scopes.includes('reports:read')) ctx.throw(403, 'insufficient scope');
  ctx.body = 'fine\n';
});
app.listen(Number(LAB_PORT), '127.0.0.1');
