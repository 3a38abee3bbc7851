import { stringify } from 'yaml';
import { defaultImage } from './image/image.ts';
import type { ServiceSettings } from './invocation/service-settings.ts';

/**
 * The services of a Compose file without the provider: Compose itself runs the sidecar's container, so its start order, logs
 * and `down` apply. `settings.service` is the plugin's.
 */
export function plainServices(settings: ServiceSettings): string {
  const { service: plugin, bus, image = defaultImage } = settings;
  const [network, sidecar] = [`${plugin}-network`, `${plugin}-sidecar`];
  const services = {
    [plugin]: {
      network_mode: `service:${network}`,
      depends_on: { [network]: { condition: 'service_started' }, [sidecar]: { condition: 'service_healthy' } },
      environment: { SIDECAR_ADDR: settings.pluginAddress },
    },
    [sidecar]: sidecarService(settings, image, network),
    [network]: networkService(settings, image),
    ...(bus === 'embedded' && { 'bus-api': busService(settings, image) }),
  };
  return `# Merge this into your Compose file: ${plugin} keeps its own image, and loses \`networks\` and \`ports\` to ${network}, which owns
# the network of both, so that either can be restarted while the other keeps it.
# Compose does not build the image: \`meridian-sidecar compose image\` does.
${stringify({ services, ...(bus === 'embedded' && { volumes: { 'bus-api': {} } }) }, { lineWidth: 0 })}`.trimEnd();
}

function sidecarService(settings: ServiceSettings, image: string, network: string): object {
  const { environment, mounts, bus, memoryMb, stopTimeoutMs, service } = settings;
  // Compose's health check finds the sidecar at its default address.
  const { INSTANCE_ID: instance, SIDECAR_HEALTH_ADDR: _, ...others } = environment;
  return {
    image,
    network_mode: `service:${network}`,
    environment: {
      INSTANCE_ID: instance === `${settings.project}-${service}` ? service : instance,
      ...others,
      ...(bus === 'embedded' && { SIDECAR_BUS_API_URL: 'bus-api:8443' }),
    },
    ...(mounts.length > 0 && { volumes: mounts.map(({ source, target }) => `${source}:${target}:ro`) }),
    depends_on: [network, ...(bus === 'embedded' ? ['bus-api'] : [])],
    ...userOf(settings),
    mem_limit: `${memoryMb}m`,
    // Only a few times, so that `up` ends with the reason when it cannot start.
    restart: 'on-failure:5',
    stop_grace_period: `${stopTimeoutMs / 1_000}s`,
  };
}

function networkService({ publish, aliases, service, networks }: ServiceSettings, image: string): object {
  const names = aliases.filter((alias) => alias !== service);
  return {
    image,
    entrypoint: ['sleep', 'infinity'],
    // It holds nothing that has to stop gracefully.
    stop_signal: 'SIGKILL',
    healthcheck: { disable: true },
    networks: Object.fromEntries(networks.map((network) => [network, { aliases: [service, ...names] }])),
    ...(publish.length > 0 && { ports: publish }),
  };
}

function userOf({ user }: ServiceSettings): object {
  return user === undefined ? {} : { user };
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
