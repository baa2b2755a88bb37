// @fastify/jwt, as its README shows it: the error is sent as it is, or without details a bare 401.
'use strict';

const fs = require('node:fs');
const fastify = require('fastify')();

const { LAB_PORT, LAB_KEYS, LAB_ISSUER, LAB_AUDIENCE, LAB_DETAILS, LAB_LEEWAY, LAB_REVOKED } = process.env;

fastify.register(require('@fastify/jwt'), {
  secret: { public: fs.readFileSync(`${LAB_KEYS}/es256.pem`) },
  verify: {
    algorithms: ['ES256'],
    allowedIss: LAB_ISSUER,
    allowedAud: LAB_AUDIENCE,
    clockTolerance: Number(LAB_LEEWAY) * 1000,
  },
  trusted: (request, token) => token.jti !== LAB_REVOKED,
});

fastify.addHook('onRequest', async (request, reply) => {
  try {
    await request.jwtVerify();
  } catch (error) {
    if (LAB_DETAILS === 'on') return reply.send(error);
    return reply.code(401).send();
  }
  return undefined;
});

fastify.get('/orders/:name', async (request) => request.params);
fastify.get('/reports/:name', async (request, reply) => {
  if ((request.user.scope || '').split(' ').includes('reports:read')) return request.params;
  return reply.code(403).send({ statusCode: 403, error: 'Forbidden', message: 'Insufficient scope' });
});

fastify.listen({ port: Number(LAB_PORT), host: '127.0.0.1' });
