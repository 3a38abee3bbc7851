import { realScheduler } from '../../base/time/real-scheduler.ts';
import { messageOf, UserFacingError, type UserFacingErrorOptions } from '../../base/user-facing-error.ts';
import { readBindingSources } from '../../contract/config/bus/binding-files.ts';
import { type BusConnectionConfig, loadBusConnection } from '../../contract/config/bus/bus-connection.ts';
import { exitCodes } from '../../contract/config/exit-codes.ts';
import { limits } from '../../contract/wire/limits.ts';
import { connectOptionsOf } from '../../sidecar/bus-link/bus-credential.ts';
import { BusPlaces } from '../../sidecar/bus-link/bus-places.ts';
import { readCredential } from '../../sidecar/lifecycle/launch-files.ts';
import { grpcNetwork } from '../../transport/grpc/network.ts';
import type { Connection, UnaryMethod } from '../../transport/rpc.ts';
import { RpcError } from '../../transport/status.ts';

const timeoutMs = 10_000;

/** Calls the Bus API as an administrator, over one connection. */
export class AdminClient {
  readonly #connection: Connection;
  readonly #address: string;

  private constructor(connection: Connection, address: string) {
    this.#connection = connection;
    this.#address = address;
  }

  /**
   * Connects with the settings of a sidecar; `address` replaces SIDECAR_BUS_API_URL.
   * @throws ErrorList of settings, UserFacingError `grants/bus/…`
   */
  static async connect(address: string | undefined, environment: NodeJS.ProcessEnv): Promise<AdminClient> {
    const bindings = await readBindingSources(environment);
    const own = { ...environment, ...(address !== undefined && { SIDECAR_BUS_API_URL: address }) };
    const config = loadBusConnection(own, bindings);
    const credential = await credentialOf(config);
    try {
      const places = new BusPlaces(
        config.busApiUrl.places.map((place) => place.address),
        realScheduler,
      );
      const options = { maxMessageBytes: limits.messageBytes, proxy: config.busProxy, ...connectOptionsOf(credential) };
      const connection = await places.connect(timeoutMs, (place, shareMs) =>
        grpcNetwork.connect(place, { timeoutMs: shareMs, ...options }),
      );
      return new AdminClient(connection, config.busApiUrl.address);
    } catch (error) {
      throw failureOf(RpcError.from(error), config.busApiUrl.address);
    }
  }

  /** `describe` may say more of a refusal of this call. @throws UserFacingError with the reason when the bus refuses. */
  async call<Request, Response>(
    method: UnaryMethod<Request, Response>,
    request: Request,
    describe: (error: RpcError) => UserFacingError | undefined = () => undefined,
  ): Promise<Response> {
    try {
      return await this.#connection.unary(method, request, { timeoutMs });
    } catch (caught) {
      const error = RpcError.from(caught);
      throw describe(error) ?? failureOf(error, this.#address);
    }
  }

  close(): void {
    this.#connection.close();
  }
}

/** Describes the refusal of a call about something that the bus does not have, in the bus's own words. */
export function notFound(
  about: Omit<UserFacingErrorOptions, 'found'>,
): (error: RpcError) => UserFacingError | undefined {
  return ({ code, message }) => (code === 'NOT_FOUND' ? new UserFacingError({ ...about, found: message }) : undefined);
}

async function credentialOf(config: BusConnectionConfig): ReturnType<typeof readCredential> {
  try {
    return await readCredential(config);
  } catch (error) {
    throw new UserFacingError({
      id: 'grants/credential/unreadable',
      found: `a file of the credential for the bus cannot be read: ${messageOf(error)}`,
      next: [
        'Let SIDECAR_BUS_CA, SIDECAR_BUS_CERTIFICATE, SIDECAR_BUS_KEY and SIDECAR_BUS_TOKEN_FILE name existing files.',
      ],
      exitCode: exitCodes.configuration,
      cause: error,
    });
  }
}

function failureOf(error: RpcError, address: string): UserFacingError {
  switch (error.code) {
    case 'PERMISSION_DENIED':
      return new UserFacingError({
        id: 'grants/admin/not-named',
        found: `the bus at ${address} refuses: ${error.message}`,
        next: ["Add the principal to `admins` in the bus's policy, or use the credential of an administrator."],
        exitCode: exitCodes.refused,
      });
    case 'UNAUTHENTICATED':
      return new UserFacingError({
        id: 'grants/admin/unauthenticated',
        found: `the bus at ${address} does not accept the credential: ${error.message}`,
        next: ['Set SIDECAR_BUS_CERTIFICATE and SIDECAR_BUS_KEY, or SIDECAR_BUS_TOKEN_FILE, as for a sidecar.'],
        exitCode: exitCodes.refused,
      });
    case 'INVALID_ARGUMENT':
      return new UserFacingError({
        id: 'grants/request/invalid',
        found: error.message,
        next: ['Name an instance id, then publish or subscribe, then patterns of topics.'],
        exitCode: exitCodes.usage,
      });
    case 'FAILED_PRECONDITION':
      return new UserFacingError({
        id: 'grants/request/beyond-policy',
        found: error.message,
        next: ['Widen a rule of the policy first; the bus reads the file again when it changes.'],
        exitCode: exitCodes.refused,
      });
    default:
      return new UserFacingError({
        id: 'grants/bus/unreachable',
        found: `the Bus API at ${address} does not answer: ${error.message}`,
        next: ['Name the address of a running bus with --bus or SIDECAR_BUS_API_URL.'],
        exitCode: exitCodes.busUnreachable,
      });
  }
}
