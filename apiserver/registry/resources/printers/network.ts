/** The columns of services and what belongs to them. k8s: pkg/printers/internalversion. */
import type { Json, KubernetesObject } from '../../../machinery/object';
import type { TablePrinter } from '../../../machinery/table';
import { listAt, numberAt, objectAt, textAt, valueAt } from '../fields';
import {
  column,
  countAt,
  joined,
  labelsText,
  none,
  printer,
  scalarText,
  selectorText,
  wide,
} from './columns';

const services = printer(
  [column('Type'), column('Cluster-IP'), column('External-IP'), column('Port(s)')],
  (service) => [
    textAt(service, 'spec', 'type'),
    textAt(listAt(service, 'spec', 'clusterIPs')[0]) ||
      textAt(service, 'spec', 'clusterIP') ||
      none,
    externalAddress(service),
    joined(listAt(service, 'spec', 'ports').map(portText)),
  ],
  [wide('Selector')],
  (service) => [labelsText(objectAt(service, 'spec', 'selector'))],
);

function externalAddress(service: KubernetesObject): string {
  const own = listAt(service, 'spec', 'externalIPs').map(scalarText);
  switch (textAt(service, 'spec', 'type')) {
    case 'LoadBalancer': {
      const all = [...loadBalancerAddresses(service), ...own];
      return all.length === 0 ? '<pending>' : all.join(',');
    }
    case 'ExternalName':
      return textAt(service, 'spec', 'externalName');
    default:
      return joined(own);
  }
}

function loadBalancerAddresses(object: KubernetesObject): readonly string[] {
  const ingress = listAt(object, 'status', 'loadBalancer', 'ingress');
  return ingress.map((each) => textAt(each, 'ip') || textAt(each, 'hostname')).filter(Boolean);
}

function portText(port: Json): string {
  const node = countAt(port, 'nodePort');
  const number = String(countAt(port, 'port'));
  const mapped = node > 0 ? `${number}:${String(node)}` : number;
  return `${mapped}/${textAt(port, 'protocol')}`;
}

/** The first three, the rest as a number. */
function atMostThree(texts: readonly string[], ifNone: string): string {
  if (texts.length === 0) return ifNone;
  const shown = texts.slice(0, 3).join(',');
  return texts.length > 3 ? `${shown} + ${String(texts.length - 3)} more...` : shown;
}

const ingresses = printer(
  [column('Class'), column('Hosts'), column('Address'), column('Ports')],
  (ingress) => {
    const rules = listAt(ingress, 'spec', 'rules');
    const hosts = rules.map((rule) => textAt(rule, 'host') || '*');
    const old = ingress.metadata.annotations?.['kubernetes.io/ingress.class'];
    return [
      textAt(ingress, 'spec', 'ingressClassName') || (old ?? none),
      atMostThree(hosts, '*'),
      loadBalancerAddresses(ingress).join(','),
      listAt(ingress, 'spec', 'tls').length > 0 ? '80, 443' : '80',
    ];
  },
);

const ingressClasses = printer([column('Controller'), column('Parameters')], (object) => {
  const parameters = objectAt(object, 'spec', 'parameters');
  const group = textAt(parameters, 'apiGroup');
  const kind = textAt(parameters, 'kind');
  const owner = group === '' ? kind : `${kind}.${group}`;
  const isSet = kind !== '';
  return [
    textAt(object, 'spec', 'controller'),
    isSet ? `${owner}/${textAt(parameters, 'name')}` : none,
  ];
});

const endpoints = printer([column('Endpoints')], (object) => {
  const texts = listAt(object, 'subsets').flatMap((subset) => {
    const addresses = listAt(subset, 'addresses').map((each) => textAt(each, 'ip'));
    const ports = listAt(subset, 'ports');
    if (ports.length === 0) return addresses;
    return ports.flatMap((port) =>
      addresses.map((address) => joinHostPort(address, countAt(port, 'port'))),
    );
  });
  return [atMostThree(texts, none)];
});

function joinHostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${String(port)}` : `${host}:${String(port)}`;
}

const endpointSlices = printer(
  [column('AddressType'), column('Ports'), column('Endpoints')],
  (object) => {
    const ports = listAt(object, 'ports').map((port) => {
      const number = numberAt(port, 'port');
      return number === undefined ? '*' : String(number);
    });
    const addresses = listAt(object, 'endpoints').flatMap((each) =>
      listAt(each, 'addresses').map(scalarText),
    );
    return [
      textAt(object, 'addressType'),
      atMostThree(ports, '<unset>'),
      atMostThree(addresses, '<unset>'),
    ];
  },
);

const networkPolicies = printer([column('Pod-Selector')], (object) => [
  selectorText(valueAt(object, 'spec', 'podSelector')),
]);

const ipAddresses = printer([column('ParentRef')], (object) => {
  const parent = objectAt(object, 'spec', 'parentRef');
  const group = textAt(parent, 'group');
  const path = [textAt(parent, 'resource'), textAt(parent, 'namespace'), textAt(parent, 'name')];
  const text = path.filter(Boolean).join('/');
  return [group === '' ? text : `${group}/${text}`];
});

const serviceCidrs = printer([column('CIDRs')], (object) => [
  listAt(object, 'spec', 'cidrs').map(scalarText).join(','),
]);

/** Printers by resource. */
export const networkPrinters: Readonly<Record<string, TablePrinter>> = {
  endpoints,
  endpointslices: endpointSlices,
  ingressclasses: ingressClasses,
  ingresses,
  ipaddresses: ipAddresses,
  networkpolicies: networkPolicies,
  servicecidrs: serviceCidrs,
  services,
};
