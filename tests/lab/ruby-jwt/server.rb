# ruby-jwt behind WEBrick, as its README shows it; with details the error's message is sent.
require 'json'
require 'jwt'
require 'openssl'
require 'webrick'

KEY = OpenSSL::PKey.read(File.read(File.join(ENV['LAB_KEYS'], 'rs256.pem')))
DETAILS = ENV['LAB_DETAILS'] == 'on'
OPTIONS = {
  algorithm: 'RS256',
  iss: ENV['LAB_ISSUER'], verify_iss: true,
  aud: ENV['LAB_AUDIENCE'], verify_aud: true,
  verify_iat: true,
  leeway: Integer(ENV['LAB_LEEWAY']),
  required_claims: ['exp']
}.freeze

def check(request)
  field = request['Authorization']
  return [401, 'Missing Authorization header'] unless field
  scheme, token = field.split(' ', 2)
  return [401, 'Authorization header is not a Bearer token'] unless scheme == 'Bearer' && token

  payload, = JWT.decode(token, KEY, true, OPTIONS)
  return [401, 'Token has been revoked'] if payload['jti'] == ENV['LAB_REVOKED']

  scopes = (payload['scope'] || '').split
  return [403, 'Insufficient scope'] if request.path.start_with?('/reports/') && !scopes.include?('reports:read')
  return [403, 'You are not allowed to do this'] if request.path.start_with?('/admin/')

  [200, 'fine']
rescue JWT::DecodeError => e
  [401, e.message]
end

server = WEBrick::HTTPServer.new(
  BindAddress: '127.0.0.1', Port: Integer(ENV['LAB_PORT']),
  AccessLog: [], Logger: WEBrick::Log.new(File::NULL)
)
server.mount_proc('/') do |request, response|
  status, words = check(request)
  response.status = status
  response['Content-Type'] = 'application/json'
  response.body = status == 200 || DETAILS ? { message: words }.to_json : { message: 'Unauthorized' }.to_json
end
trap('TERM') { server.shutdown }
server.start
