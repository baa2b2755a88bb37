// passport-jwt, as its README shows it; with details, a custom callback as Passport's page "Authenticate"
// shows it says what the strategy found.
'use strict';

const fs = require('node:fs');
const express = require('express');
const passport = require('passport');
const { ExtractJwt, Strategy } = require('passport-jwt');

const { LAB_PORT, LAB_KEYS, LAB_ISSUER, LAB_AUDIENCE, LAB_DETAILS, LAB_LEEWAY } = process.env;

passport.use(
  new Strategy(
    {
      jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(),
      secretOrKey: fs.readFileSync(`${LAB_KEYS}/secret`, 'utf8'),
      algorithms: ['HS256'],
      issuer: LAB_ISSUER,
      audience: LAB_AUDIENCE,
      jsonWebTokenOptions: { clockTolerance: Number(LAB_LEEWAY) },
    },
    (payload, done) => done(null, payload),
  ),
);

function authenticate(request, response, next) {
  if (LAB_DETAILS === 'off') return passport.authenticate('jwt', { session: false })(request, response, next);
  return passport.authenticate('jwt', { session: false }, (error, user, info) => {
    if (error) return next(error);
    if (!user) return response.status(401).json({ message: info.message });
    request.user = user;
    return next();
  })(request, response, next);
}

const app = express();
app.get('/orders/:name', authenticate, (request, response) => response.json(request.params));
app.get('/reports/:name', authenticate, (request, response) => {
  if (!(request.user.scope || '').split(' ').includes('reports:read')) return response.sendStatus(403);
  return response.json(request.params);
});
app.listen(Number(LAB_PORT), '127.0.0.1');
