import { createHash } from 'node:crypto';

/** Names that Compose itself never gives end in no number, so that no service can collide with them; the owner's must be one. */

/** The container whose network namespace sidecar and plugin share, by the name that `network_mode: container:…` demands. */
export function ownerName(project: string, service: string): string {
  return `${project}-${service}-1`;
}

export function sidecarName(project: string, service: string): string {
  return `${project}-${service}-sidecar`;
}

/** The replaced sidecar, until its successor is ready. */
export function previousName(project: string, service: string): string {
  return `${project}-${service}-sidecar-previous`;
}

/** The longest part of a host name between two dots: https://www.rfc-editor.org/rfc/rfc1035#section-2.3.4 */
const hostLabelLengthMax = 63;

/** The embedded bus of a project: the name of its container, and its host name; a project's name that is too long for that is cut. */
export function busHost(project: string): string {
  const whole = `${project}-meridian-bus`;
  if (whole.length <= hostLabelLengthMax) return whole;
  // Two long names with the same beginning stay apart.
  const mark = createHash('sha256').update(project).digest('hex').slice(0, 8);
  const end = `-${mark}-meridian-bus`;
  return `${project.slice(0, hostLabelLengthMax - end.length)}${end}`;
}
