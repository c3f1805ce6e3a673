/** The scope of the outbound calls of one request: what they carry, and what is said of those it leaves behind. */
import { RequestScope, type CallReport } from '@hotaru/client';
import { shownFrame } from '../log/error-facts.js';
import type { Exchange } from './exchange.js';

export function outboundScope(exchange: Exchange): RequestScope {
  const { services } = exchange;
  const { sendsId, sendsTrace } = services.correlation;
  const sendsFields = sendsId || sendsTrace;
  return new RequestScope({
    deadlineMs: exchange.deadlineMs,
    ...(sendsFields && { fields: () => exchange.correlation.fields() }),
    captureCallSites: services.hasDiagnostics,
    onOpenCall: (report) => reportOpenCall(exchange, report),
    ...(services.isDevelopment && {
      onUnreadBody: (report) =>
        // Of a request that failed, the handler may never have had the response: a sibling's failure came first.
        exchange.log[exchange.hasFailed ? 'debug' : 'warn'](
          callFields(report),
          'the body of an upstream response was never read; read it, or call discard()',
        ),
    }),
  });
}

/** In a request that failed, calls are left behind by what failed: they are its fault. */
function reportOpenCall(exchange: Exchange, report: CallReport): void {
  const isNews = exchange.services.isDevelopment && !exchange.hasFailed;
  exchange.log[isNews ? 'warn' : 'debug'](
    callFields(report),
    'an upstream call was aborted: its request was answered before it; await it, or hand it to ctx.waitUntil()',
  );
}

function callFields({ url, method, callSite }: CallReport): object {
  return {
    upstream: withoutQuery(url),
    upstreamMethod: method,
    at: callSite === undefined ? undefined : shownFrame(callSite),
  };
}

function withoutQuery(url: string): string {
  const query = url.indexOf('?');
  return query < 0 ? url : url.slice(0, query);
}
