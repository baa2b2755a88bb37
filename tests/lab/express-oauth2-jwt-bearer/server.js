// express-oauth2-jwt-bearer, as its README shows it: it sends challenges with descriptions by itself.
'use strict';

const fs = require('node:fs');
const express = require('express');
const { auth, requiredScopes } = require('express-oauth2-jwt-bearer');

const { LAB_PORT, LAB_KEYS, LAB_ISSUER, LAB_AUDIENCE, LAB_LEEWAY } = process.env;
const app = express();

app.use(
  auth({
    issuer: LAB_ISSUER,
    audience: LAB_AUDIENCE,
    secret: fs.readFileSync(`${LAB_KEYS}/secret`, 'utf8'),
    tokenSigningAlg: 'HS256',
    clockTolerance: Number(LAB_LEEWAY),
  }),
);
app.get('/orders/:name', (request, response) => response.json(request.params));
app.get('/reports/:name', requiredScopes('reports:read'), (request, response) => response.json(request.params));
app.listen(Number(LAB_PORT), '127.0.0.1');
