import { loopbackAddress, ownListenAddress } from '../addresses.ts';
import { type SettingGroup, setting } from './setting.ts';

/** Where a sidecar answers probes, and serves its status and metrics, unless it is told otherwise. */
export const defaultHealthPort = 9192;

/** The sidecar's listening addresses. */
export const portSettings = {
  pluginAddress: setting({
    variable: 'SIDECAR_ADDR',
    key: 'sidecar_addr',
    option: { name: 'addr' },
    meaning: 'Where the sidecar accepts its plugin; loopback only',
    default: '127.0.0.1:9191',
    example: '127.0.0.1:9191',
    readBy: ['run', 'plugin'],
    parse: loopbackAddress,
  }),
  healthAddress: setting({
    variable: 'SIDECAR_HEALTH_ADDR',
    key: 'health_addr',
    meaning: 'Where probes are answered; $PORT is expanded',
    default: `:${defaultHealthPort}`,
    example: `127.0.0.1:${defaultHealthPort}`,
    parse: ownListenAddress,
  }),
  statusAddress: setting({
    variable: 'SIDECAR_STATUS_ADDR',
    key: 'status_addr',
    meaning: 'Where /status and /metrics are served; never on the port of $PORT',
    unset: `SIDECAR_HEALTH_ADDR; 127.0.0.1:${defaultHealthPort} when that has the port of $PORT`,
    example: `127.0.0.1:${defaultHealthPort}`,
    parse: ownListenAddress,
  }),
} as const satisfies SettingGroup;
