/** The table of resources without columns of their own: name and time of creation (K36). */
import type { TablePrinter } from '../machinery/table';

/** k8s: rest.NewDefaultTableConvertor */
export const DEFAULT_PRINTER: TablePrinter = {
  columns: [
    {
      name: 'Name',
      type: 'string',
      format: 'name',
      description: 'Name must be unique within a namespace.',
      priority: 0,
    },
    {
      name: 'Created At',
      type: 'date',
      format: '',
      description: 'The time at which the server created the object.',
      priority: 0,
    },
  ],
  cells: ({ metadata }) => [metadata.name ?? '', metadata.creationTimestamp ?? '<unknown>'],
};
