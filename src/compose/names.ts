import { createHash } from 'node:crypto';

/**
 * Names that Compose gives end in a number. The provider's do not, so they collide with none; only the network owner's must.
 */

/** The network owner of a service, by the name that `network_mode: container:…` needs. */
export function ownerName(project: string, service: string): string {
  return `${project}-${service}-1`;
}

export function sidecarName(project: string, service: string): string {
  return `${project}-${service}-sidecar`;
}

/** The replaced sidecar, until the new one is ready. */
export function previousName(project: string, service: string): string {
  return `${project}-${service}-sidecar-previous`;
}

/** The longest part of a host name between two dots: https://www.rfc-editor.org/rfc/rfc1035#section-2.3.4 */
const hostLabelLengthMax = 63;

/** The embedded bus of a project: the name of its container and its host name. Too long a project name is shortened. */
export function busHost(project: string): string {
  const whole = `${project}-meridian-bus`;
  if (whole.length <= hostLabelLengthMax) return whole;
  // Keeps two long names with the same beginning distinct.
  const mark = createHash('sha256').update(project).digest('hex').slice(0, 8);
  const end = `-${mark}-meridian-bus`;
  return `${project.slice(0, hostLabelLengthMax - end.length)}${end}`;
}
