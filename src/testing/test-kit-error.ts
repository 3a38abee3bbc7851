/** The platform of a test did not get to where the test asked it to be. The message says what was there instead. */
export class TestKitError extends Error {
  override readonly name = 'TestKitError';
}
