import { RpcError } from '../../transport/status.ts';
import { RevisionConflictError, StaleEpochError, StoreFullError } from '../store/store.ts';

/** Translates the store's refusal of an owner's write to a gRPC status. */
export async function refusalAsStatus<T>(write: Promise<T>): Promise<T> {
  try {
    return await write;
  } catch (error) {
    if (error instanceof StaleEpochError) throw new RpcError('FAILED_PRECONDITION', error.message, { cause: error });
    if (error instanceof RevisionConflictError) throw new RpcError('ABORTED', error.message, { cause: error });
    if (error instanceof StoreFullError) throw new RpcError('RESOURCE_EXHAUSTED', error.message, { cause: error });
    throw error;
  }
}
