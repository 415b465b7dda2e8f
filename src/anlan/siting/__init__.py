"""Where stations, standby posts, patrol posts and equipment should stand; every answer carries a bound."""
