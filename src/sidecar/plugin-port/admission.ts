import { aborted } from '../../base/async/aborted.ts';
import { contractMajor, parseSchemaVersion } from '../../contract/wire/schema-version.ts';
import { RpcError } from '../../transport/status.ts';
import type { Access } from '../access/access.ts';

/** The plugin since its registration; each registration makes a new one of these. */
export interface RegisteredPlugin {
  /** Full semver, stamped on messages that name no schema version of their own. */
  readonly schemaVersion: string;
  /** Aborts when the plugin has left or is gone; its reason is the status for the streams that are still open. */
  readonly gone: AbortSignal;
  /** Whether the plugin called Leave or was told to stop: its messages in flight are then requeued, and no attempt is counted. */
  readonly isStopping: () => boolean;
}

const left = new RpcError('CANCELLED', 'the plugin has left');

/** Whether a plugin is registered. Before Register, and after Leave until the next Register, no other call works. */
export class Admission {
  readonly #access: Access;
  readonly #onChange: (registered: boolean) => void;
  #plugin: RegisteredPlugin | undefined;
  #presence = new AbortController();
  /** The presence of the plugin that was told to stop. */
  #dismissed: AbortSignal | undefined;
  #hasLeft = false;
  #closed = false;

  constructor(access: Access, onChange: (registered: boolean) => void) {
    this.#access = access;
    this.#onChange = onChange;
  }

  get isRegistered(): boolean {
    return this.#plugin !== undefined;
  }

  /** Registers the plugin, or says why not. */
  register(schemaVersion: string): { readonly admitted: true } | { readonly admitted: false; readonly reason: string } {
    const reason = this.#refusal(schemaVersion);
    if (reason !== undefined) return { admitted: false, reason };
    // Registering again does not affect the streams that the first registration opened.
    if (!this.#plugin) this.#presence = new AbortController();
    const gone = this.#presence.signal;
    const isStopping = (): boolean => gone.reason === left || this.#dismissed === gone;
    this.#plugin = { schemaVersion: parseSchemaVersion(schemaVersion)?.text ?? '', gone, isStopping };
    this.#hasLeft = false;
    this.#onChange(true);
    return { admitted: true };
  }

  /** The registered plugin. @throws RpcError FAILED_PRECONDITION when there is none. */
  require(): RegisteredPlugin {
    if (this.#plugin) return this.#plugin;
    throw new RpcError(
      'FAILED_PRECONDITION',
      this.#hasLeft ? 'this plugin has left: call Register again first' : 'not registered: call Register first',
    );
  }

  leave(): void {
    this.#hasLeft = true;
    this.#absent(left);
  }

  /** The plugin's streams ended without Leave; ignored when it has registered again meanwhile. */
  gone(plugin: RegisteredPlugin): void {
    if (this.#plugin === plugin) this.#absent(new RpcError('CANCELLED', 'the plugin is gone'));
  }

  /** The plugin is told to stop. A stream that breaks after this may only have come to the end of its time. */
  dismiss(): void {
    this.#dismissed = this.#presence.signal;
  }

  /** Accepts no registration any more. */
  close(): void {
    this.#closed = true;
  }

  /** Resolves once no plugin is registered. */
  async absent(): Promise<void> {
    if (this.#plugin) await aborted(this.#plugin.gone);
  }

  #absent(reason: RpcError): void {
    this.#plugin = undefined;
    this.#onChange(false);
    this.#presence.abort(reason);
  }

  #refusal(schemaVersion: string): string | undefined {
    if (this.#closed) return 'the sidecar is stopping';
    if (!this.#access.isLoaded) return 'access control is not loaded yet';
    const version = parseSchemaVersion(schemaVersion);
    if (version?.major !== contractMajor) {
      return `schema version "${schemaVersion}" is not supported; this sidecar speaks version ${contractMajor}.x, as Meridian's Python SDK 0.1.0 does`;
    }
    return this.#access.granted.length === 0 ? 'there are no grants at all for this identity' : undefined;
  }
}
