/** Table columns of built-in types (K36). (Bodies follow.) */
import type { TablePrinter } from '../../../machinery/table';

/** The printer of a resource; undefined means Name and Created At. */
export function printerOf(resource: {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
}): TablePrinter | undefined {
  void resource;
  return undefined;
}
