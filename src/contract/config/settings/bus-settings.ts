import { busApiAddress } from '../addresses.ts';
import { busProxy } from '../bus/bus-proxy.ts';
import { busToken } from '../bus/bus-token.ts';
import { type SettingGroup, setting } from './setting.ts';
import { text } from './setting-value.ts';

/** The Bus API's address, and the caller's credentials for it. */
export const busSettings = {
  url: setting({
    variable: 'SIDECAR_BUS_API_URL',
    key: 'bus_api_url',
    option: { name: 'bus-api-url' },
    meaning: 'Address of the Bus API; https:// turns TLS on. Several, joined by commas, are processes of one bus',
    default: 'bus-api:8443',
    example: 'https://bus.example:8443',
    parse: busApiAddress,
  }),
  service: setting({
    variable: 'SIDECAR_BUS_SERVICE',
    key: 'bus_service',
    meaning: 'Name of the bound service that leads to the bus',
    unset: 'the one tagged meridian-bus',
    example: 'bus-prod',
    parse: text,
  }),
  proxy: setting({
    variable: 'SIDECAR_BUS_PROXY',
    key: 'bus_proxy',
    option: {
      name: 'bus-proxy',
      meaning: 'HTTP proxy that tunnels to the bus by CONNECT, without a password; no other proxy variable is used',
    },
    meaning: 'HTTP proxy that tunnels to the bus by CONNECT; may hold a password. No other proxy variable is used',
    unset: 'none: the bus is reached directly',
    example: 'http://proxy.example:3128',
    secret: true,
    parse: busProxy,
  }),
  ca: setting({
    variable: 'SIDECAR_BUS_CA',
    key: 'tls.ca',
    option: { name: 'bus-ca', mountedAt: '/etc/meridian/bus/ca.pem' },
    meaning: 'PEM file with the authorities that may sign the Bus API',
    example: '/etc/meridian/ca.pem',
    parse: text,
  }),
  certificate: setting({
    variable: 'SIDECAR_BUS_CERTIFICATE',
    key: 'tls.certificate',
    option: { name: 'bus-certificate', mountedAt: '/etc/meridian/bus/tls.crt' },
    meaning: 'PEM file with the client certificate',
    example: '/etc/meridian/tls.crt',
    parse: text,
  }),
  key: setting({
    variable: 'SIDECAR_BUS_KEY',
    key: 'tls.key',
    option: { name: 'bus-key', mountedAt: '/etc/meridian/bus/tls.key' },
    meaning: 'PEM file with the key of the client certificate',
    example: '/etc/meridian/tls.key',
    parse: text,
  }),
  token: setting({
    variable: 'SIDECAR_BUS_TOKEN',
    meaning: 'Token that proves who this sidecar is',
    example: '(secret)',
    secret: true,
    parse: busToken,
  }),
  tokenFile: setting({
    variable: 'SIDECAR_BUS_TOKEN_FILE',
    key: 'bus_token_file',
    option: { name: 'bus-token-file', mountedAt: '/etc/meridian/bus/token' },
    meaning: 'File that holds the token',
    example: '/run/secrets/bus-token',
    parse: text,
  }),
} as const satisfies SettingGroup;
