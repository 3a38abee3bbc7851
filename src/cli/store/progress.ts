/** Prints progress to stderr, once for each tenth. `done`: what is done by then, such as "are copied". */
export function progressPrinter(done: string): (share: number) => void {
  let printed = 0;
  return (share) => {
    const tenths = Math.floor(10 * share);
    if (tenths <= printed || tenths === 10) return;
    printed = tenths;
    process.stderr.write(`${tenths * 10} % ${done}\n`);
  };
}
