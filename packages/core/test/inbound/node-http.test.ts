/** The contract of the inbound seam, kept by node:http. */
import { NodeServer } from '../../src/inbound/node-http/server.js';
import { inboundContract } from './contract.js';

inboundContract((host, safety) => new NodeServer(host, safety));
