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

/** The embedded bus of a project: the name of its container, and its host name. */
export function busHost(project: string): string {
  return `${project}-meridian-bus`;
}
