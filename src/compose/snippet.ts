import { stringify } from 'yaml';
import { defaultImage } from './image.ts';
import type { ServiceSettings } from './service-settings.ts';

/**
 * The services of a Compose file that need no provider: Compose owns the sidecar's container, so that start order, logs and
 * `down` are all its own. `settings.service` is the plugin's.
 */
export function plainServices(settings: ServiceSettings): string {
  const { service: plugin, bus, image = defaultImage } = settings;
  const sidecar = `${plugin}-sidecar`;
  const services = {
    [plugin]: {
      network_mode: `service:${sidecar}`,
      depends_on: { [sidecar]: { condition: 'service_healthy', restart: true } },
      environment: { SIDECAR_ADDR: settings.pluginAddress },
    },
    [sidecar]: sidecarService(settings, image),
    ...(bus === 'embedded' && { 'bus-api': busService(settings, image) }),
  };
  return `# Merge this into your Compose file: ${plugin} keeps its own image, and loses \`networks\` and \`ports\` to its sidecar.
# Compose does not build the image: \`meridian-sidecar compose image\` does.
${stringify({ services, ...(bus === 'embedded' && { volumes: { 'bus-api': {} } }) }, { lineWidth: 0 })}`.trimEnd();
}

function sidecarService(settings: ServiceSettings, image: string): object {
  const { environment, mounts, bus, memoryMb, stopTimeoutMs, publish, aliases, service, networks } = settings;
  // Compose's health check finds the sidecar at its default address.
  const { INSTANCE_ID: instance, SIDECAR_HEALTH_ADDR: _, ...others } = environment;
  const names = aliases.filter((alias) => alias !== service);
  return {
    image,
    environment: {
      INSTANCE_ID: instance === `${settings.project}-${service}` ? service : instance,
      ...others,
      ...(bus === 'embedded' && { SIDECAR_BUS_API_URL: 'bus-api:8443' }),
    },
    ...(mounts.length > 0 && { volumes: mounts.map(({ source, target }) => `${source}:${target}:ro`) }),
    ...(bus === 'embedded' && { depends_on: { 'bus-api': { condition: 'service_started' } } }),
    networks: Object.fromEntries(networks.map((network) => [network, { aliases: [service, ...names] }])),
    ...(publish.length > 0 && { ports: publish }),
    ...(settings.user !== undefined && { user: settings.user }),
    mem_limit: `${memoryMb}m`,
    stop_grace_period: `${stopTimeoutMs / 1_000}s`,
  };
}

function busService({ policy, networks }: ServiceSettings, image: string): object {
  const file = policy?.target ?? '/etc/meridian/policy.yml';
  return {
    image,
    command: ['bus', '--policy', file, '--listen', ':8443'],
    volumes: [`${policy?.source ?? './policy.yml'}:${file}:ro`, 'bus-api:/var/lib/meridian'],
    networks,
    restart: 'on-failure',
  };
}
