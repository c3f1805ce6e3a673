import { Agent } from 'node:http';
import { HttpModule, HttpService } from '@nestjs/axios';
import { Controller, Get } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { firstValueFrom } from 'rxjs';
import type { ServerContender } from '../../contender.js';
import { listen } from '../listen.js';

@Controller()
class Gateway {
  constructor(private readonly http: HttpService) {}

  @Get()
  async json(): Promise<unknown> {
    const { data } = await firstValueFrom(this.http.get<unknown>('/json'));
    return data;
  }
}

class AppModule {} // eslint-disable-line @typescript-eslint/no-extraneous-class -- a module of Nest's

const nestjsHttpModule: ServerContender = {
  label: 'NestJS on Express + HttpModule (axios)',
  async start(upstream) {
    const httpAgent = new Agent({ keepAlive: true, maxSockets: 256 });
    const http = HttpModule.register({ baseURL: upstream, httpAgent, proxy: false });
    const root = { module: AppModule, imports: [http], controllers: [Gateway] };
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- a class of options, passed as a literal by its documents
    const app = await NestFactory.create<NestExpressApplication>(root, { logger: false });
    await app.init();
    return listen(app.getHttpServer());
  },
};
export default nestjsHttpModule;
