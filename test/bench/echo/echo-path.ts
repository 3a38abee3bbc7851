/** The only method of the echo servers. */
export const echoPath = '/meridian.bench.Echo/Echo';
