import 'reflect-metadata';

export { App, type Register } from './app.js';
export type { AppOptions, Mode } from './app-options.js';
export type { AppState, Listening } from './app-loop.js';
export { FRAMEWORK_ERRORS, HotaruError, type FrameworkErrorCode } from './errors.js';
export type { InjectedResponse, InjectOptions } from './inbound/node-http/inject.js';
export type { RequestIdOptions } from './log/correlation.js';
export type { Logger, LoggerInput } from './log/logger.js';
export type { Duration, Size } from './options.js';

export {
  any,
  controller,
  del,
  endpoint,
  get,
  head,
  options,
  patch,
  post,
  put,
} from './endpoint/controller.js';
export type { ControllerInput } from './endpoint/controller-handlers.js';
export type { EndpointOptions, Handler } from './endpoint/endpoint.js';

export { HttpContext } from './http/context.js';
export type { CookieOptions, Cookies } from './http/request/cookies.js';
export { file, type FileOptions } from './http/response/file.js';
export type { UploadedFile } from './http/request/form.js';
export type { RequestHeaders } from './http/request/headers-view.js';
export type { RequestStream } from './http/request/request-stream.js';
export type { HeadersInput, HeaderValue } from './http/response/headers.js';
export { isClientGone, isRequestOver } from './http/request-over.js';
export { HttpError, type HttpErrorOptions } from './http/response/http-error.js';
export type { FieldBag } from './http/request/query.js';
export {
  HttpResponse,
  type Body,
  type Outcome,
  type ResponseInit,
  type StreamSource,
} from './http/response/response.js';
export { html, json, redirect, status, stream, text } from './http/response/helpers.js';
export { HttpSafety, type HttpSafetyOptions } from './http/request/safety.js';
export type { LocalStore, TypedStore } from './http/stores.js';

export type { MiddlewareList } from './middleware/chain.js';
export type { Middleware, Next } from './middleware/compose.js';
export type { AnyParams, ParamsOf, ParamValue } from './routing/param-types.js';

// tsyringe fails to load unless reflect-metadata is there: it is always imported through this package.
export { LOGGER } from './di/container.js';
export { injectable, scoped, singleton } from './di/decorators.js';
export {
  container,
  delay,
  inject,
  injectAll,
  Lifecycle,
  type DependencyContainer,
  type InjectionToken,
} from 'tsyringe';

// What handlers need of the client.
export {
  ConnectionKey,
  ConnectionPool,
  deleteRequest,
  formRequest,
  getRequest,
  headRequest,
  HotaruClientError,
  jsonRequest,
  patchRequest,
  PoolConfig,
  putRequest,
  RequestScope,
  sendRequest,
  type ClientResponse,
  type PoolConfigInput,
  type RequestInit,
  type SendOptions,
} from '@hotaru/client';
