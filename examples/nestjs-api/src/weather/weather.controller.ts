import { Body, Controller, Get, Post } from '@nestjs/common';
import { Protect, Public, Session } from '@pzk-auth/nestjs';
import type { PzkSession } from '@pzk-auth/verifier';
import { ReportTextPipe } from './report-text.pipe.js';
import { WeatherService } from './weather.service.js';

@Controller()
export class WeatherController {
  constructor(private readonly weather: WeatherService) {}

  @Public()
  @Get()
  about() {
    return { name: 'Weather API', metadata: '/.well-known/oauth-protected-resource' };
  }

  @Protect({ scope: 'weather:read' })
  @Get('weather')
  read(@Session() session: PzkSession) {
    return {
      for: session.account,
      observations: this.weather.observations(),
      reports: this.weather.reports(),
    };
  }

  /** Writing needs a touch of the passkey that is not older than two minutes. */
  @Protect({ scope: 'weather:write', maxAge: 120 })
  @Post('reports')
  write(@Session('account') account: string, @Body(ReportTextPipe) text: string) {
    return this.weather.file(account, text);
  }

  /** Says nothing about who may call it: any session will do, and none is refused. */
  @Get('me')
  me(@Session() { account, scopes, keyProtection }: PzkSession) {
    return { account, scopes, keyProtection };
  }
}
