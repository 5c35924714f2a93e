"""Stand-ins that speak Twilio's and SendGrid's HTTP, with faults on demand, and a phone page to read and answer on."""
