// express-jwt, as its README shows it: the error handler says "invalid token...", or with details what
// the error says.
'use strict';

const fs = require('node:fs');
const express = require('express');
const { expressjwt } = require('express-jwt');

const { LAB_PORT, LAB_KEYS, LAB_ISSUER, LAB_AUDIENCE, LAB_DETAILS, LAB_LEEWAY, LAB_REVOKED } = process.env;
const app = express();

app.use(
  expressjwt({
    secret: fs.readFileSync(`${LAB_KEYS}/rs256.pem`),
    algorithms: ['RS256'],
    audience: LAB_AUDIENCE,
    issuer: LAB_ISSUER,
    clockTolerance: Number(LAB_LEEWAY),
    isRevoked: async (request, token) => token.payload.jti === LAB_REVOKED,
  }),
);

app.get('/orders/:name', (request, response) => response.json(request.params));

app.get('/reports/:name', (request, response) => {
  const scopes = (request.auth.scope || '').split(' ');
  if (!scopes.includes('reports:read')) return response.status(403).json({ error: 'insufficient_scope' });
  return response.json(request.params);
});

app.get('/admin/:name', (request, response) => {
  if (!request.auth.admin) return response.sendStatus(403);
  return response.sendStatus(200);
});

app.use((error, request, response, next) => {
  if (error.name !== 'UnauthorizedError') return next(error);
  if (LAB_DETAILS === 'on') {
    return response.status(error.status).json({ code: error.code, message: error.message });
  }
  return response.status(401).send('invalid token...');
});

app.listen(Number(LAB_PORT), '127.0.0.1');
