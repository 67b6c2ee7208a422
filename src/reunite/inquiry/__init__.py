"""Looking without writing: identities, their history and graph, and why two are one person."""
